// Loops: opened by the form of a scene, advanced to their end, refused at the field, many at once, and
// the notices that go with them. Everything goes through the pages; only numbers are read from the API.
import {
  Skip,
  axeFindings,
  check,
  logIn,
  logins,
  openPage,
  pageIsWiderThanView,
  picture,
  same,
  test,
  textOf,
  textsOf,
} from "./harness.mjs";

const town = "320402001";

async function inside(server, name, options = {}) {
  const opened = await openPage(server, options);
  await logIn(opened.page, name, (await logins(server)).get(name));
  return opened;
}

/** Opens a petition by its form and gives its number. */
async function openPetition(page, number) {
  await page.goto("/loops/new?open=petition");
  await page.fill("#open-petition_no", number);
  await page.selectOption("#open-place", town);
  await page.fill("#open-matter", "反映楼道消毒不及时");
  await page.click(".step-form button[type=submit]");
  await page.waitForURL(/\/loops\/\d+/);
  await page.waitForSelector("#next-title");
  return Number(/\/loops\/(\d+)/.exec(page.url())[1]);
}

/** The step to a stage is chosen; its form stands open. */
async function choose(page, stage) {
  await page.click(`[data-step=${stage}] button`);
  await page.waitForSelector(".loop .step-form");
}

async function take(page, stage, words) {
  await choose(page, stage);
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(
    (said) => document.querySelector(".loop .notice.good")?.textContent.includes(said),
    words,
  );
}

export function loopTests({ demo, empty, emptyPassword }) {
  test("A town's officer opens a loop by its form, a refusal stands at its field, and it goes to its end", async () => {
    const { page, faults, close } = await inside(demo, "town_duty");
    await page.click(".nav a[href='/loops']");
    await page.waitForSelector(".loop-side .switch");
    await page.keyboard.press("n");
    await page.waitForSelector("#open-scene");
    await page.selectOption("#open-scene", "petition");
    await page.waitForSelector("#open-petition_no");
    same(
      await textsOf(page, ".step-form > .form-fields .form-field label"),
      ["信访号必填", "责任区域必填", "事项必填个人信息，只给办理人看"],
      "the fields that the definition demands",
    );
    await page.fill("#open-petition_no", "天宁-2022-001");
    await page.fill("#open-matter", "反映楼道消毒不及时");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("[data-field=place].bad .error");
    same(await textOf(page, "[data-field=place] .error"), "这一项必填", "the refusal in words");
    /* the refused field takes the focus */
    await page.waitForFunction(() => document.activeElement?.id === "open-place");
    same(await page.getAttribute("#open-place", "aria-invalid"), "true", "it is marked");
    await picture(page, "loop-refused-zh");
    await page.selectOption("#open-place", town);
    await page.click("details summary");
    await page.fill("#open-petitioner", "99999999");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("[data-field=petitioner].bad .error");
    same(
      await textOf(page, "[data-field=petitioner] .error"),
      "没有登记这个编号或编码",
      "who is not registered is refused at the field",
    );
    await page.fill("#open-petitioner", "1");
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/loops\/\d+/);
    await page.waitForSelector("#next-title");
    const id = Number(/\/loops\/(\d+)/.exec(page.url())[1]);
    check((await textOf(page, ".loop-head")).includes("雕庄街道镇街值班"), "who owns it");
    check(/剩 \d+ 小时/.test(await textOf(page, "[data-clock]")), "its clock");
    await page.waitForSelector(".drawing");
    same(
      await page.$$eval(".drawing rect.here", (boxes) => boxes.map((box) => box.dataset.stage)),
      ["registered"],
      "the present stage of the drawing",
    );
    await picture(page, "loop-open-zh");
    await take(page, "handling", "办理");
    await choose(page, "review");
    await page.fill("#step-answer", "");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("[data-field=answer].bad .error");
    await page.fill("#step-answer", "已加密消毒频次并当面答复");
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction(() =>
      document.querySelector(".chip.stage")?.textContent.includes("审核"),
    );
    check(
      (await textOf(page, "section[aria-labelledby=next-title]")).includes("没有该你做的步骤"),
      "the next step is not the town's",
    );
    await close();

    const district = await inside(demo, "district_duty");
    await district.page.goto(`/loops/${id}`);
    await district.page.waitForSelector("#next-title");
    await take(district.page, "answered", "已答复");
    await choose(district.page, "settled");
    await district.page.selectOption("#step-accepted", "false");
    await district.page.keyboard.press("Control+Enter");
    await district.page.waitForSelector(".loop .step-form .notice.bad[role=alert]");
    check(
      (await textOf(district.page, ".step-form .notice.bad")).includes("条件不满足"),
      "a guard that does not hold is told in words",
    );
    await district.page.selectOption("#step-accepted", "true");
    await district.page.keyboard.press("Control+Enter");
    await district.page.waitForFunction(() =>
      document.querySelector("[data-clock]")?.textContent.includes("已办结"),
    );
    same(await district.page.$$("section[aria-labelledby=next-title]"), [], "nothing is next");
    const served = await district.page.evaluate(
      async (no) => (await fetch(`/api/v1/loops/${no}`)).json(),
      id,
    );
    same([served.stage, served.state], ["settled", "done"], "what the server says");
    same(
      await district.page.$$eval(".history li", (rows) => rows.length),
      served.history.length,
      "acts of the history",
    );
    await picture(district.page, "loop-done-zh");
    same([...faults, ...district.faults], [], "faults");
    await district.close();
  });

  test("A step waits for its signatures, each given on the page; a moment is read as the city's", async () => {
    const { page, faults, close } = await inside(demo, "district_duty");
    await page.goto("/loops/new?open=area_seal_lift");
    await page.selectOption("#open-subject", town);
    await page.selectOption("#open-zone", "restricted");
    await page.fill("#open-authority", "区指挥部第 12 号");
    await page.fill("#open-expires_at", "2022-04-20T08:00");
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/loops\/\d+/);
    await page.waitForSelector("#next-title");
    const id = Number(/\/loops\/(\d+)/.exec(page.url())[1]);
    const read = () =>
      page.evaluate(async (no) => (await fetch(`/api/v1/loops/${no}`)).json(), id);
    const until = (await read()).fields.find((field) => field.name === "expires_at").value;
    check(until.startsWith("2022-04-20T08:00:00") && until.endsWith("+08:00"), `moment: ${until}`);
    await choose(page, "sealing");
    await page.fill("#step-residents", "many");
    await page.fill("#step-services", "每日两次配送");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("[data-field=residents].bad .error");
    same(await textOf(page, "[data-field=residents] .error"), "不是数字", "a word is no number");
    await page.fill("#step-residents", "1200");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector("[data-waiting]");
    check((await textOf(page, "[data-waiting]")).includes("疾控负责人"), "who is missing");
    same(
      await textsOf(page, "[data-custody=waits] .mark"),
      ["提交", "还没签", "还没签"],
      "each signature that is wanted",
    );
    await page.click("[data-waiting] button");
    await page.waitForSelector(".loop [role=alert]");
    check((await textOf(page, ".loop [role=alert]")).includes("须由他人会签"), "not the asker's own");
    for (const [user, words] of [
      ["cdc_lead", "你已会签"],
      ["approver", "会签齐了"],
    ]) {
      const signer = await inside(demo, user);
      await signer.page.goto(`/loops/${id}`);
      await signer.page.waitForSelector("[data-waiting]");
      await signer.page.click("[data-waiting] button");
      await signer.page.waitForSelector(".loop .notice.good");
      check((await textOf(signer.page, ".loop .notice.good")).includes(words), `${user} signed`);
      faults.push(...signer.faults);
      await signer.close();
    }
    same((await read()).stage, "sealing", "where it stands");
    await page.reload();
    await page.waitForSelector("[data-custody=done]");
    const custody = await textsOf(page, "[data-custody=done] li");
    same(custody.length, 3, "who asked and the two who signed");
    check(custody[1].includes("cdc_lead（疾控负责人"), `whose signature: ${custody[1]}`);
    check(custody[2].includes("approver（"), `whose signature: ${custody[2]}`);
    await picture(page, "loop-custody-zh");
    same(faults, [], "faults");
    await close();
  });

  test("One holds a loop and gives it back; the command centre closes it with a reason", async () => {
    const { page, faults, close } = await inside(demo, "epidemiologist");
    await page.goto("/loops/new?open=alert_disposition");
    await page.fill("#open-subject", "YJ-2022-1");
    await page.selectOption("#open-area", town);
    await page.selectOption("#open-level", "orange");
    await page.selectOption("#open-place", town);
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/loops\/\d+/);
    await page.waitForSelector("#next-title");
    const id = Number(/\/loops\/(\d+)/.exec(page.url())[1]);
    check((await textOf(page, "#loop-title")).includes("预警 YJ-2022-1"), "what it is about");
    await page.click("text=我来办");
    await page.waitForSelector("text=epidemiologist 正在办，保留到");
    await page.click("text=交回");
    await page.waitForFunction(() => !document.body.innerText.includes("正在办，保留到"));
    same(await page.$$(".take"), [], "who is not the command centre takes nothing over");
    const command = await inside(demo, "command_duty");
    await command.page.goto(`/loops/${id}`);
    await command.page.click(".take summary");
    await command.page.click("text=作为未办成结束");
    await command.page.waitForSelector("[data-field=note].bad .error");
    await command.page.fill("#take-note", "演练编号，不是真实预警");
    await command.page.click("text=作为未办成结束");
    await command.page.waitForFunction(() =>
      document.querySelector("[data-clock]")?.textContent.includes("未办成"),
    );
    check((await textOf(command.page, ".history")).includes("演练编号"), "the reason stays");
    same([...faults, ...command.faults], [], "faults");
    await command.close();
    await close();
  });

  // ---- The page of a loop: ladder, photos, notes, choices

  const readLoop = (page, id) =>
    page.evaluate(async (no) => (await fetch(`/api/v1/loops/${no}`)).json(), id);

  /** Opens a round about a site by its form: a scene with choices and photos. */
  async function openRound(page, number) {
    await page.goto("/loops/new?open=infection_control_round");
    await page.fill("#open-subject", `SITE-${number}`);
    await page.selectOption("#open-area", town);
    await page.fill("#open-round_no", number);
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/loops\/\d+/);
    await page.waitForSelector("#next-title");
    return Number(/\/loops\/(\d+)/.exec(page.url())[1]);
  }

  /** A picture that the browser makes: two colours side by side, or noise that packs badly. */
  async function madePicture(page, { width, height, type = "image/jpeg", noise = false }) {
    const base64 = await page.evaluate(
      async ([across, down, media, rough]) => {
        const canvas = document.createElement("canvas");
        canvas.width = across;
        canvas.height = down;
        const context = canvas.getContext("2d");
        context.fillStyle = "#c00";
        context.fillRect(0, 0, across / 2, down);
        context.fillStyle = "#00c";
        context.fillRect(across / 2, 0, across / 2, down);
        if (rough) {
          const pixels = context.createImageData(across, down);
          for (let i = 0; i < pixels.data.length; i += 65536)
            crypto.getRandomValues(pixels.data.subarray(i, i + 65536));
          for (let i = 3; i < pixels.data.length; i += 4) pixels.data[i] = 255;
          context.putImageData(pixels, 0, 0);
        }
        const blob = await new Promise((done) => canvas.toBlob(done, media, 1));
        const bytes = new Uint8Array(await blob.arrayBuffer());
        let text = "";
        for (let i = 0; i < bytes.length; i += 32768)
          text += String.fromCharCode(...bytes.subarray(i, i + 32768));
        return btoa(text);
      },
      [width, height, type, noise],
    );
    return Buffer.from(base64, "base64");
  }

  const secret = "31.8106N 119.9741E Telephone-7";

  /** As a camera held upright writes it: turned by a quarter, with a place and a device in it. */
  function asOfACamera(jpeg) {
    const text = Buffer.from(`${secret}\0`);
    const tiff = Buffer.alloc(8 + 2 + 2 * 12 + 4);
    tiff.write("MM\0*", 0, "latin1");
    tiff.writeUInt32BE(8, 4);
    tiff.writeUInt16BE(2, 8);
    tiff.writeUInt16BE(0x0110, 10); // the device's name
    tiff.writeUInt16BE(2, 12);
    tiff.writeUInt32BE(text.length, 14);
    tiff.writeUInt32BE(tiff.length, 18);
    tiff.writeUInt16BE(0x0112, 22); // the orientation
    tiff.writeUInt16BE(3, 24);
    tiff.writeUInt32BE(1, 26);
    tiff.writeUInt16BE(6, 30);
    const body = Buffer.concat([Buffer.from("Exif\0\0"), tiff, text]);
    const head = Buffer.from([0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]);
    return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
  }

  /** The bytes of a kept photo, and its size as a browser opens it. */
  async function keptPhoto(page, digest) {
    const { base64, ...rest } = await page.evaluate(async (name) => {
      const answer = await fetch(`/api/v1/photos/${name}`);
      const blob = await answer.blob();
      const picture = await createImageBitmap(blob);
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return {
        base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")),
        width: picture.width,
        height: picture.height,
        cache: answer.headers.get("cache-control"),
      };
    }, digest);
    return { ...rest, bytes: Buffer.from(base64, "base64") };
  }

  test("A step's photo is sent by the picker without what the camera wrote, is seen after a reload, and opens by keys", async () => {
    const { page, context, faults, close } = await inside(demo, "inspector");
    const id = await openRound(page, "P-1");
    await choose(page, "fixing");
    same(
      await page.$$eval("#step-fault option", (options) => options.map((one) => one.textContent)),
      ["请选择", "无问题", "分区通道", "个人防护", "医疗废物", "通风空气", "手卫生", "记录台账"],
      "choices by their titles",
    );
    await page.selectOption("#step-fault", "waste");
    await page.selectOption("#step-severity", "major");
    const limits = await textOf(page, "#step-picture-limits");
    check(limits.includes("JPEG、PNG、WEBP") && limits.includes("293 kB"), `limits: ${limits}`);
    check(limits.includes("位置、时间和机型不会发出"), "what is left out is said");
    /* what is refused, before anything is sent */
    const sent = [];
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/photos")) sent.push(request);
    });
    const plain = await madePicture(page, { width: 640, height: 480 });
    await page.setInputFiles("#step-picture", {
      name: "说明.pdf",
      mimeType: "application/pdf",
      buffer: Buffer.from("%PDF-1.4"),
    });
    await page.waitForSelector("[data-field=picture] .photo-control > .error");
    check((await textOf(page, "[data-field=picture] .error")).includes("只收 JPEG"), "a kind");
    await page.setInputFiles("#step-picture", {
      name: "broken.jpg",
      mimeType: "image/jpeg",
      buffer: plain.subarray(0, 40),
    });
    await page.waitForFunction(() =>
      document.querySelector("[data-field=picture] .error")?.textContent.includes("打不开"),
    );
    await page.setInputFiles("#step-picture", {
      name: "noise.png",
      mimeType: "image/png",
      buffer: await madePicture(page, { width: 1500, height: 1500, type: "image/png", noise: true }),
    });
    await page.waitForFunction(() =>
      document.querySelector("[data-field=picture] .error")?.textContent.includes("缩小后仍有"),
    );
    await picture(page, "loop-photo-refused-zh");
    same(sent.length, 0, "nothing was sent of what is refused");
    /* the server away, then one that garbles, then well */
    await context.setOffline(true);
    await page.setInputFiles("#step-picture", {
      name: "IMG_0007.jpg",
      mimeType: "image/jpeg",
      buffer: asOfACamera(plain),
    });
    await page.waitForSelector("[data-field=picture] [data-sending=failed]");
    check((await textOf(page, "[data-sending=failed]")).includes("连不上服务器"), "away in words");
    await context.setOffline(false);
    await page.keyboard.press("Control+Enter"); // without it the form is not whole
    await page.waitForSelector("[data-field=picture].bad #step-picture-error");
    check((await textOf(page, "#step-picture-error")).includes("还没有送达"), "not mistaken for sent");
    await page.route("**/api/v1/photos", (route) => route.continue({ postData: "no picture" }));
    await page.click("[data-sending=failed] button");
    await page.waitForFunction(() =>
      document.querySelector("[data-sending=failed]")?.textContent.includes("认不出这是照片"),
    );
    await page.unroute("**/api/v1/photos");
    await page.click("[data-sending=failed] button");
    await page.waitForSelector("[data-field=picture] [data-sending=sent]");
    await page.waitForSelector("[data-sending=sent] canvas[data-photo=there]");
    await picture(page, "loop-photo-sent-zh");
    await page.keyboard.press("Control+Enter");
    await page.waitForFunction(() =>
      document.querySelector(".chip.stage")?.textContent.includes("整改"),
    );
    const served = await readLoop(page, id);
    const digest = served.fields.find((field) => field.name === "picture").value;
    const kept = await keptPhoto(page, digest);
    check(!kept.bytes.includes("Exif") && !kept.bytes.includes(secret), "no place, no device");
    same([kept.width, kept.height], [480, 640], "it stands upright");
    same(kept.cache, "no-store", "no cache keeps it");
    /* seen after a reload, once in what is known and once in the history, each look on record */
    await page.reload();
    await page.waitForSelector(".history .thumb canvas[data-photo=there]");
    await page.waitForSelector(".known .thumb canvas[data-photo=there]");
    check((await textOf(page, ".known")).includes("医疗废物"), "a choice by its title: known");
    check((await textOf(page, ".history")).includes("程度：较重"), "a choice by its title: history");
    check(!(await textOf(page, ".history")).includes(digest), "no digest in the history's words");
    /* a second one, with a note */
    await page.click(".note-form summary");
    await page.fill("#note-words", "已通知物业");
    await page.setInputFiles("#note-photos", [
      { name: "a.png", mimeType: "image/png", buffer: await madePicture(page, { width: 300, height: 200, type: "image/png" }) },
    ]);
    await page.waitForSelector(".note-form [data-sending=sent]");
    await page.keyboard.press("Tab");
    await page.click(".note-form button[type=submit]");
    await page.waitForSelector(".loop .notice.good");
    check((await textOf(page, ".loop .notice.good")).includes("已记入经过"), "the note is in");
    same((await readLoop(page, id)).stage, served.stage, "nothing moved");
    await page.waitForSelector(".history li.noted .thumb canvas[data-photo=there]");
    check((await textOf(page, ".history li.noted")).includes("已通知物业"), "its words");
    await picture(page, "loop-photos-zh");
    /* the viewer, by keys alone */
    await page.focus(".history li.advanced .thumb");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog.photo-viewer canvas[data-photo=there]");
    check((await textOf(page, ".photo-viewer")).includes("inspector 于"), "who and when");
    check((await textOf(page, ".photo-viewer")).includes("第 1 张，共 2 张"), "which");
    await page.waitForFunction(() => document.activeElement?.closest("dialog"));
    await picture(page, "loop-photo-viewer-zh");
    same(await axeFindings(page), [], "axe on the viewer");
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() =>
      document.querySelector(".photo-viewer")?.textContent.includes("第 2 张"),
    );
    check((await textOf(page, "#photo-title")).includes("补充的照片"), "the note's");
    await page.keyboard.press("ArrowRight");
    check((await textOf(page, ".photo-viewer")).includes("第 2 张"), "there is none after the last");
    await page.keyboard.press("Home");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog.photo-viewer", { state: "detached" });
    same(new URL(page.url()).pathname, `/loops/${id}`, "Esc closes the picture, not the loop");
    same(
      await page.evaluate(() => document.activeElement?.className),
      "thumb",
      "the focus comes back to it",
    );
    same(await page.$$("img[src^='blob:'], img[src*='/photos/']"), [], "no address of a picture");
    same(
      await page.evaluate(async () => (await caches.keys()).filter((name) => /photo/.test(name))),
      [],
      "no cache of the page's own",
    );
    const csp = (await (await fetch(`${demo.url}/loops`)).headers.get("content-security-policy"));
    check(/img-src 'self' data:;/.test(csp), `img-src is as it was: ${csp}`);
    same(faults, [], "faults");
    await close();

    /* who sees the loop by its area alone sees neither words nor picture */
    const other = await inside(demo, "epidemiologist", { language: "en" });
    await other.page.goto(`/loops/${id}`);
    await other.page.waitForSelector(".history li.noted");
    same(await other.page.$$(".history li.noted .thumb"), [], "no photo of the note");
    await other.page.waitForSelector(".photo-failed");
    check((await textOf(other.page, ".photo-failed")).includes("have a part"), "why not");
    check((await textOf(other.page, ".known")).includes("Waste"), "choices in English");
    const status = await other.page.evaluate(
      async (name) => (await fetch(`/api/v1/photos/${name}`)).status,
      digest,
    );
    same(status, 404, "the server's word");
    same(other.faults, [], "faults");
    await other.close();
  });

  test("The ladder says whom each step reaches and when, as the API has it, in both languages", async () => {
    const owner = await inside(demo, "town_duty");
    const id = await openPetition(owner.page, "L-1");
    const served = await readLoop(owner.page, id);
    await owner.page.waitForSelector(".ladder [data-rung]");
    same(
      await owner.page.$$eval(".ladder [data-rung]", (rungs) =>
        rungs.map((rung) => [rung.dataset.rung, rung.querySelector("time").dateTime]),
      ),
      served.ladder.map((rung) => [rung.state, rung.told_at ?? rung.at]),
      "states and times",
    );
    same(
      await owner.page.getAttribute(".rung.due time", "datetime"),
      served.due_at,
      "the deadline above them",
    );
    const words = await textsOf(owner.page, ".ladder [data-rung] .whom");
    for (const [i, rung] of served.ladder.entries())
      for (const holder of rung.holders)
        check(words[i].includes(holder.name), `${holder.name} in ${words[i]}`);
    same(
      await textsOf(owner.page, ".ladder .mark"),
      ["时限", "下一个", "之后", "之后"],
      "states in words",
    );
    check((await textsOf(owner.page, ".ladder .when .quiet"))[1].endsWith("后"), "how long from now");
    await picture(owner.page, "loop-ladder-zh");
    await owner.close();
    const english = await inside(demo, "town_duty", { language: "en" });
    await english.page.goto(`/loops/${id}`);
    await english.page.waitForSelector(".ladder [data-rung]");
    const text = await textOf(english.page, ".loop-due");
    check(!/[\u4e00-\u9fff]/.test(text), `the ladder in English: ${text}`);
    same(
      (await textsOf(english.page, ".ladder .mark")).slice(0, 3),
      ["deadline", "next", "later"],
      "states in English",
    );
    same([...owner.faults, ...english.faults], [], "faults");
    await english.close();
  });

  test("A ladder past its deadline tells who was told and when, and who comes next", async () => {
    const { page, faults, close } = await inside(demo, "command_duty");
    const late = await page.evaluate(async () => {
      const { items } = await (await fetch("/api/v1/loops?owner=area&overdue=true&limit=200")).json();
      for (const { id } of items) {
        const loop = await (await fetch(`/api/v1/loops/${id}`)).json();
        if (loop.ladder.some((rung) => rung.state === "done")) return loop;
      }
      return null;
    });
    if (!late) throw new Skip("no loop of the demo city is late");
    await page.goto(`/loops/${late.id}`);
    await page.waitForSelector(".rung.due.late");
    check((await textOf(page, "#ladder-title")).includes("时限已过"), "the title says it");
    same(
      await page.$$eval(".ladder [data-rung=done] time", (times) => times.map((one) => one.dateTime)),
      late.ladder.filter((rung) => rung.state === "done").map((rung) => rung.told_at),
      "when it was told, not when it was to be",
    );
    await picture(page, "loop-ladder-late-zh");
    same(await axeFindings(page), [], "axe");
    same(faults, [], "faults");
    await close();
  });

  test("Lists, counters, marks and keys: several loops are advanced together with a result each", async () => {
    const { page, faults, close } = await inside(demo, "town_duty");
    const mine = [];
    for (const number of ["B-1", "B-2", "B-3"]) mine.push(await openPetition(page, number));
    await page.goto("/loops?list=me&scene=petition");
    await page.waitForSelector("#loop-list .row");
    const counts = await page.evaluate(async () =>
      (await (await fetch("/api/v1/loops:counts")).json()).items,
    );
    const open = counts
      .filter((one) => one.scene === "petition")
      .reduce((sum, one) => sum + one.open, 0);
    check(
      (await textOf(page, "[data-list=area]")).endsWith(` ${open}`),
      `the counter is the server's: ${await textOf(page, "[data-list=area]")}`,
    );
    check((await page.$$("#loop-list .row")).length >= 3, "rows of the own list");
    await page.waitForFunction(() => document.activeElement?.id === "loop-list");
    await page.keyboard.press("Home");
    const all = (await page.$$("#loop-list .row")).length;
    for (let i = 0; i < all; i++) {
      const words = await textOf(page, "#loop-list [aria-selected=true] .what .small");
      if (mine.some((id) => words.startsWith(`${id} 号`))) await page.keyboard.press("x");
      await page.keyboard.press("j");
    }
    same(await textOf(page, ".marks b"), "已选 3 件", "marked by keys");
    const marked = await page.$$eval("#loop-list .tick.on", (nodes) => nodes.length);
    same(marked, 3, "marks in the rows");
    await page.keyboard.press("b");
    await page.waitForSelector("#bulk-title");
    await page.check("[name=to][value=handling]");
    // somebody else takes one of them on before the three are sent
    const [stolen] = mine;
    const status = await page.evaluate(async (no) => {
      const { csrf } = await (await fetch("/api/v1/sessions/current")).json();
      const answer = await fetch(`/api/v1/loops/${no}/advance`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
        body: JSON.stringify({ to: "handling" }),
      });
      return answer.status;
    }, stolen);
    same(status, 200, "the step of somebody else");
    await picture(page, "loop-bulk-zh");
    await page.click(".loop .step-form button[type=submit]");
    await page.waitForSelector("#results-title");
    same(await textOf(page, "#results-title"), "2 件办成，1 件被拒绝", "the results");
    same((await page.$$(".results li")).length, 3, "a result each");
    check(
      (await textOf(page, `[data-result='${stolen}']`)).includes("已不在那个环节"),
      "why one was refused",
    );
    await picture(page, "loop-results-zh");
    for (const id of mine) {
      const stage = await page.evaluate(
        async (no) => (await (await fetch(`/api/v1/loops/${no}`)).json()).stage,
        id,
      );
      same(stage, "handling", `loop ${id}`);
    }
    same(await textsOf(page, ".marks b"), [], "the marks are gone");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".loop-detail > p");
    same(faults, [], "faults");
    await close();
  });

  test("A list is worked by keys alone, and Esc comes back to the same row", async () => {
    const { page, faults, close } = await inside(demo, "town_duty", { language: "en" });
    await openPetition(page, "K-1");
    await openPetition(page, "K-2");
    await page.goto("/loops?list=me");
    await page.waitForSelector("#loop-list .row");
    const row = () => textOf(page, "#loop-list [aria-selected=true] .what .small");
    await page.waitForFunction(() => document.activeElement?.id === "loop-list");
    const first = await row();
    await page.keyboard.press("j");
    const second = await row();
    check(first !== second, "J moves");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#loop-title");
    check((await textOf(page, ".loop-head")).includes(second.match(/Loop (\d+)/)[1]), "it opens");
    await page.keyboard.press("1");
    await page.waitForSelector(".loop .step-form");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector(".loop .step-form"));
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("#loop-title"));
    same(await row(), second, "the same row");
    await page.keyboard.press("/");
    same(
      await page.evaluate(() => document.activeElement.id),
      "loop-scene",
      "/ goes to the filter",
    );
    same(faults, [], "faults");
    await close();
  });

  test("In English no Chinese is left on a loop's page but names of towns and what was typed in", async () => {
    const { page, close } = await inside(demo, "town_duty", { language: "en" });
    await openPetition(page, "E-1");
    await page.waitForSelector(".drawing");
    const left = await page.evaluate(async () => {
      const areas = await (await fetch("/api/v1/areas")).json();
      const names = new Set(areas.items.map((area) => area.name_zh));
      const seen = document.querySelector("main").innerText;
      return [...new Set(seen.match(/[\u4e00-\u9fff]+/g) ?? [])].filter(
        (words) => !names.has(words),
      );
    });
    same(left, ["反映楼道消毒不及时"], "Chinese words");
    const drawn = await textOf(page, ".drawing");
    check(!/[\u4e00-\u9fff]/.test(drawn), `the drawing: ${drawn}`);
    await close();
  });

  test("The bell counts unread notices as they come, leads to the loop, and marks them as read", async () => {
    const owner = await inside(demo, "district_duty");
    const { page, faults, close } = owner;
    const unread = async () => Number(/\d+/.exec(await textOf(page, ".bell > button"))?.[0] ?? 0);
    await page.waitForSelector(".bell > button");
    await page.click(".bell > button");
    await page.waitForSelector("#notices ol, #notices > p:not([role=status])"); // it is loaded
    if (await page.isEnabled("#notices .bar-line button"))
      await page.click("#notices .bar-line button");
    await page.waitForFunction(
      () => !/\d/.test(document.querySelector(".bell > button").textContent),
    );
    await page.keyboard.press("Escape");
    same(await page.$$("#notices"), [], "Esc closes the list");
    const other = await inside(demo, "town_duty");
    const id = await openPetition(other.page, "N-1");
    await take(other.page, "handling", "办理");
    await choose(other.page, "review");
    await other.page.fill("#step-answer", "已答复");
    await other.page.keyboard.press("Control+Enter");
    await other.page.waitForFunction(() =>
      document.querySelector(".chip.stage")?.textContent.includes("审核"),
    );
    await other.close();
    await page.waitForFunction(() =>
      /\d/.test(document.querySelector(".bell > button").textContent),
    );
    check((await unread()) >= 1, "the count came by itself");
    await page.click(".bell > button");
    await page.waitForSelector("#notices li.unread a");
    await picture(page, "notices-zh");
    check((await textOf(page, "#notices li")).includes(`${id} 号闭环`), "which loop");
    same(await axeFindings(page), [], "axe on the open list");
    await page.click("#notices .bar-line button");
    await page.waitForFunction(() => !document.querySelector("#notices li.unread"));
    await page.click("#notices li a");
    await page.waitForURL(`**/loops/${id}`);
    await page.waitForSelector("#loop-title");
    same(faults, [], "faults");
    await close();
  });

  test("An empty city says in words that nothing waits, and a role without loops gets no door", async () => {
    const { page, faults, close } = await openPage(empty);
    await logIn(page, "duty", emptyPassword);
    await page.goto("/loops");
    await page.waitForSelector(".empty");
    same(await textOf(page, ".empty"), "辖区里没有开着的闭环。", "the empty list");
    await page.goto("/loops/999");
    await page.waitForSelector(".loop-detail [role=alert]");
    check((await textOf(page, ".loop-detail [role=alert]")).includes("没有这一项"), "no such loop");
    same(faults, [], "faults");
    await close();
    const press = await inside(demo, "press");
    same(await press.page.$$(".nav a[href='/loops']"), [], "doors of the press office");
    await press.close();
  });

  test("Loops fit 1600, 1280 and 960 pixels, 200 % zoom and a phone, and axe finds nothing serious", async () => {
    const found = [];
    for (const view of [
      { width: 1600, language: "zh" },
      { width: 1600, language: "en", theme: "dark" },
      { width: 1280, language: "en" },
      { width: 1280, language: "zh", theme: "dark" },
      { width: 960, language: "zh" },
      { width: 1920, language: "en", zoom: 2 },
      { width: 390, language: "zh" },
    ]) {
      const { page, faults, close } = await inside(demo, "town_duty", { height: 900, ...view });
      const name = `${view.width}-${view.language}${view.theme ? "-dark" : ""}`;
      for (const [screen, address, wanted] of [
        ["list", "/loops?list=me", "#loop-list .row"],
        ["opening", "/loops/new?open=safety_hazard", "#open-hazard_no"],
      ]) {
        await page.goto(address);
        await page.waitForSelector(wanted);
        await page.waitForTimeout(200);
        same(await pageIsWiderThanView(page), false, `${screen} at ${name} scrolls sideways`);
        found.push(...(await axeFindings(page)).map((one) => `${screen} ${name}: ${one}`));
        await picture(page, `loops-${screen}-${name}`);
      }
      await page.goto("/loops?list=me");
      await page.waitForSelector("#loop-list .row");
      await page.click("#loop-list .row .what");
      await page.waitForSelector(".drawing");
      await page.keyboard.press("1");
      await page.waitForTimeout(200);
      same(await pageIsWiderThanView(page), false, `a loop at ${name} scrolls sideways`);
      found.push(...(await axeFindings(page)).map((one) => `loop ${name}: ${one}`), ...faults);
      await picture(page, `loops-loop-${name}`);
      await close();
    }
    same(found, [], "findings");
  });
}
