// The page of a loop: its ladder, its photos from the camera to the viewer, notes between steps.
import { town, inside, openPetition, choose } from "./loops.mjs";
import {
  axeFindings,
  check,
  pageIsWiderThanView,
  picture,
  same,
  test,
  textOf,
  textsOf,
} from "./harness.mjs";

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

/** An act over the API, as who is logged in on the page; gives the answer. */
const act = (page, path, body) =>
  page.evaluate(
    async ([where, what]) => {
      const { csrf } = await (await fetch("/api/v1/sessions/current")).json();
      const answer = await fetch(`/api/v1${where}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
        body: JSON.stringify(what),
      });
      return answer.json();
    },
    [path, body],
  );

export function loopPageTests({ demo }) {
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

  test("What a loop is about and what its fields name are links where the reader may open them, in words without a name of the program", async () => {
    const { page, faults, close } = await inside(demo, "cdc_lead");
    const of = (path, purpose) =>
      page.evaluate(
        async ([address, header]) =>
          (await fetch(`/api/v1${address}`, header ? { headers: { "X-Purpose": header } } : {})).json(),
        [path, purpose],
      );
    const case_no = (await of("/cases?limit=1", "duty:case_review")).items[0].id;
    const venue_no = (await of("/venues?limit=1", "")).items[0].no;
    const opened = await act(page, "/loops", {
      scene: "case_investigation",
      subject: case_no,
      fields: { place: town, risk_points: [venue_no] },
    });
    check(opened.id > 0, JSON.stringify(opened));
    await page.goto(`/loops/${opened.id}`);
    await page.waitForSelector("[data-subject] a");
    const links = (one) => one.$$eval("[data-subject] a, .known a", (all) =>
      all.map((a) => new URL(a.href).pathname),
    );
    same(await links(page), [`/cases/${case_no}`, `/venues/${venue_no}`], "links");
    /* of an alert that the city found, by the number in its code */
    const alert = await act(page, "/loops", {
      scene: "alert_disposition",
      subject: "A7",
      area: town,
      fields: { level: "red", channel: "school", place: town },
    });
    check(alert.id > 0, JSON.stringify(alert));
    await page.goto(`/loops/${alert.id}`);
    await page.waitForSelector("[data-subject] a");
    same(await links(page), ["/alerts/7"], "an alert's link");
    check((await textOf(page, ".steps")).includes("等“预警产生”"), "the event by its title");
    const drawn = await textOf(page, ".drawing");
    check(drawn.includes("限时按“级别”") && !drawn.includes("level"), `drawing: ${drawn}`);
    const seats = await textOf(page, ".ladder");
    check(!/市市|区区|镇镇/.test(seats), `seats: ${seats}`);
    await picture(page, "loop-links");
    await close();
    /* who may not open a case's page is given no link to it */
    const other = await inside(demo, "approver");
    await other.page.goto(`/loops/${opened.id}`);
    await other.page.waitForSelector("#known-title");
    same(await links(other.page), [], "no link without the permission");
    same([...faults, ...other.faults], [], "faults");
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
    const text = (await textOf(english.page, ".loop-due")).replaceAll("雕庄街道", ""); // a name
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
    /* one whose last stage is due in five seconds: its clock is a field's */
    const town_duty = await inside(demo, "town_duty");
    const { city_now } = await demo.api("/api/v1/public/about");
    const due_at = new Date(Date.parse(city_now) + 5000).toISOString();
    const { id } = await act(town_duty.page, "/loops", {
      scene: "health_education",
      subject: town,
      fields: { topic: "通风", due_at },
    });
    await act(town_duty.page, `/loops/${id}/advance`, {
      to: "checking",
      fields: { content: "每日开窗", groups: "students" },
    });
    await town_duty.close();
    const { page, faults, close } = await inside(demo, "cdc_duty");
    await act(page, `/loops/${id}/advance`, { to: "telling" });
    let late = await readLoop(page, id);
    for (let i = 0; late.ladder[0].state !== "done" && i < 60; i++) {
      await page.waitForTimeout(1000);
      late = await readLoop(page, id);
    }
    await page.goto(`/loops/${late.id}`);
    await page.waitForSelector(".rung.due.late");
    check((await textOf(page, "#ladder-title")).includes("时限已过"), "the title says it");
    same(
      await page.$$eval(".ladder [data-rung=done] time", (times) => times.map((one) => one.dateTime)),
      late.ladder.filter((rung) => rung.state === "done").map((rung) => rung.told_at),
      "when it was told, not when it was to be",
    );
    same(
      (await textsOf(page, ".ladder .mark")).slice(0, 3),
      ["已过时限", "已告知", "下一个"],
      "past, done and next in words",
    );
    await picture(page, "loop-ladder-late-zh");
    same(await axeFindings(page), [], "axe");

    /* the machine's clock is years ahead of the city's: nothing is counted before the city was asked */
    let answer;
    const answered = new Promise((done) => (answer = done));
    await page.route("**/api/v1/public/about", async (route) => {
      await answered;
      await route.continue();
    });
    const clocks = {
      [`/loops/${id}`]: "[data-clock]",
      "/loops?list=overdue": `.loop-row:has-text("${late.id} 号闭环") .row-clock`,
      "/": `.needs [data-need="late-${late.id}"]`,
    };
    for (const [address, selector] of Object.entries(clocks)) {
      await page.goto(address);
      const words = await textOf(page, selector);
      check(/时限 \d+月\d+日 \d\d:\d\d/.test(words), `${address} before: ${words}`);
      check(!/逾期 \d/.test(words), `${address} counts without the city: ${words}`);
    }
    answer();
    await page.waitForFunction(
      (selector) => /逾期 \d+ (秒|分)/.test(document.querySelector(selector).textContent),
      clocks["/"],
      { timeout: 5_000 },
    );
    await picture(page, "situation-late-zh");
    same(faults, [], "faults");
    await close();
  });

  test("A child stands on its parent's page with its stage and its clock, and leads there and back", async () => {
    const acts = [
      ["cdc_duty", "advance", { to: "placing", fields: { contact_level: "close", target_area: "320402", in_city: true } }],
      ["cdc_duty", "advance", { to: "at_home", note: "两岁儿童" }],
      ["approver", "sign", {}],
    ];
    const opener = await inside(demo, "cdc_lead");
    const { id } = await act(opener.page, "/loops", {
      scene: "contact_management",
      subject: 5,
      fields: {
        source_case: 1,
        contact_level: "close",
        last_exposure_at: "2022-04-13T09:00:00+08:00",
      },
    });
    check(id > 0, "the parent is open");
    for (const [user, what, body] of acts) {
      const hand = await inside(demo, user);
      await act(hand.page, `/loops/${id}/${what}`, body);
      await hand.close();
    }
    const { page, faults } = opener;
    await page.goto(`/loops/${id}`);
    await page.waitForSelector("#children-title");
    const served = await readLoop(page, id);
    same(served.children.length, 1, "what the server says");
    const [child] = served.children;
    const row = await textOf(page, "section[aria-labelledby=children-title] .kin li");
    check(row.includes(child.title.zh) && row.includes(child.stage_title.zh), `its words: ${row}`);
    check(row.includes("时限"), `its clock: ${row}`);
    check((await textOf(page, "#children-title")).includes("未结 1 件"), "how many are open");
    await picture(page, "loop-children-zh");
    await page.click("section[aria-labelledby=children-title] .kin a");
    await page.waitForURL(`**/loops/${child.id}`);
    await page.waitForSelector("#parents-title");
    await page.click("section[aria-labelledby=parents-title] .kin a");
    await page.waitForURL(`**/loops/${id}`);
    same(faults, [], "faults");
    await opener.close();
  });

  test("A loop's page with photos fits 1920, 1280 and 390 pixels in both themes, its photo form open, and axe finds nothing serious", async () => {
    let id = 0;
    const found = [];
    for (const view of [
      { width: 1920, language: "zh" },
      { width: 1920, language: "en", theme: "dark" },
      { width: 1280, language: "en" },
      { width: 1280, language: "zh", theme: "dark" },
      { width: 390, language: "zh" },
      { width: 390, language: "en", theme: "dark" },
    ]) {
      const { page, faults, close } = await inside(demo, "inspector", { height: 900, ...view });
      const name = `${view.width}-${view.language}${view.theme ? "-dark" : ""}`;
      const choosePhoto = async () => {
        await page.click(".note-form summary");
        await page.setInputFiles("#note-photos", {
          name: "evidence.jpg",
          mimeType: "image/jpeg",
          buffer: await madePicture(page, { width: 400, height: 300 }),
        });
        await page.waitForSelector(".note-form [data-sending=sent]");
      };
      if (!id) {
        id = await openRound(page, "P-2");
        await choosePhoto();
        await page.click(".note-form button[type=submit]");
        await page.waitForSelector(".history .thumb canvas[data-photo=there]");
      }
      await page.goto(`/loops/${id}`);
      await page.waitForSelector(".drawing");
      await page.locator(".history .thumb").first().scrollIntoViewIfNeeded();
      await page.waitForSelector(".history .thumb canvas[data-photo=there]");
      await choosePhoto();
      same(await pageIsWiderThanView(page), false, `the page at ${name} scrolls sideways`);
      found.push(...(await axeFindings(page)).map((one) => `page ${name}: ${one}`), ...faults);
      const shot = `loop-page-${name}`;
      await page.evaluate(() => scrollTo(0, 0));
      await picture(page, shot);
      await page.locator("#ladder-title").scrollIntoViewIfNeeded();
      await page.locator(".history .thumb").first().scrollIntoViewIfNeeded();
      await picture(page, `${shot}-lower`);
      await page.click(".history .thumb");
      await page.waitForSelector("dialog.photo-viewer canvas[data-photo=there]");
      found.push(...(await axeFindings(page)).map((one) => `viewer ${name}: ${one}`));
      await picture(page, `${shot}-viewer`);
      await close();
    }
    same(found, [], "findings");
  });
}
