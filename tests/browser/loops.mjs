// Loops: opened by the form of a scene, advanced to their end, refused at the field, many at once, and
// the notices that go with them. Everything goes through the pages; only numbers are read from the API.
import {
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

export const town = "320402001";

export async function inside(server, name, options = {}) {
  const opened = await openPage(server, options);
  await logIn(opened.page, name, (await logins(server)).get(name));
  return opened;
}

/** Opens a petition by its form and gives its number. */
export async function openPetition(page, number) {
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
export async function choose(page, stage) {
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
    check((await textOf(page, ".loop-head")).includes("雕庄街道值班"), "who owns it");
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
    same((await page.$$("[data-waiting] button")).length, 0, "not the asker's own to sign");
    check(
      (await textOf(page, "[data-submitted]")).includes("1200"),
      "what was submitted, to who asked",
    );
    for (const [user, words] of [
      ["cdc_lead", "你已会签"],
      ["approver", "会签齐了"],
    ]) {
      const signer = await inside(demo, user);
      await signer.page.goto(`/loops/${id}`);
      await signer.page.waitForSelector("[data-waiting]");
      const submitted = await textOf(signer.page, "[data-submitted]");
      check(submitted.includes("1200") && submitted.includes("每日两次配送"), `seen: ${submitted}`);
      await signer.page.click("[data-waiting] button");
      await signer.page.waitForSelector(".loop .notice.good");
      if (user === "cdc_lead") {
        await signer.page.waitForFunction(
          () => document.querySelector("[data-waiting]")?.textContent.includes("你已会签"),
        );
        same((await signer.page.$$("[data-waiting] button")).length, 0, "signed once");
        await picture(signer.page, "loop-signed");
      }
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
    for (const [name, may] of [["cdc_duty", false], ["command_duty", false], ["epidemiologist", true]]) {
      const other = await inside(demo, name);
      await other.page.goto(`/loops/${id}`);
      await other.page.waitForSelector("#next-title");
      const offered = (await other.page.$$("text=我来办")).length > 0;
      const status = await other.page.evaluate(async (no) => {
        const { csrf } = await (await fetch("/api/v1/sessions/current")).json();
        const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
        const send = (body) =>
          fetch(`/api/v1/loops/${no}/claim`, { method: "POST", headers, body: JSON.stringify(body) });
        const answer = await send({});
        if (answer.ok) await send({ release: true });
        return answer.status;
      }, id);
      same([offered, status], [may, may ? 200 : 403], `${name}: offered, and what it would come to`);
      await other.close();
    }
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
    await page.waitForSelector(".step-form:focus-within [name=to]:focus");
    await page.check("[name=to][value=handling]");
    same(
      await page.$eval("#loop-list .tick.on .icon", (icon) => getComputedStyle(icon).stroke),
      "none",
      "a mark is drawn in the ink of its ground alone",
    );
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
    // taken back: nothing was sent, and the form is as it was
    const stages = () =>
      page.evaluate(
        (numbers) =>
          Promise.all(
            numbers.map(async (no) => (await (await fetch(`/api/v1/loops/${no}`)).json()).stage),
          ),
        mine,
      );
    const before = await stages();
    await page.click(".loop .step-form button[type=submit]");
    await page.waitForSelector(".undo.waiting");
    same(await axeFindings(page), [], "axe while it waits");
    await picture(page, "loop-bulk-waits-zh");
    await page.focus(".undo [data-act=undo]"); // the seconds stand still
    for (const width of [1440, 1200]) {
      // at the narrower one the head takes two lines
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(300);
      same(
        await page.$$eval(".marks button", (buttons) =>
          buttons.map((button) => {
            const { left, width, top, height } = button.getBoundingClientRect();
            return button.contains(document.elementFromPoint(left + width / 2, top + height - 2));
          }),
        ),
        [true, true],
        `the bar lies over no button of the list: ${width}`,
      );
      await picture(page, `loop-bulk-waits-zh-${width}`);
    }
    await page.setViewportSize({ width: 1920, height: 1080 });
    const asksBeforeLeaving = () =>
      page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
    check(await asksBeforeLeaving(), "who leaves the document with an act in hand is asked");
    await page.keyboard.press("z");
    await page.waitForSelector(".undo.undone");
    same(await stages(), before, "nothing was sent");
    check(!(await asksBeforeLeaving()), "nobody is asked without one");
    check(await page.isChecked("[name=to][value=handling]"), "the form is kept");
    await page.click(".loop .step-form button[type=submit]");
    await page.click(".undo [data-act=send]");
    await page.waitForSelector("#results-title");
    same(await page.$$(".undo"), [], "the pane shows the results itself");
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

  test("What waits to be sent goes on when its page is left, by itself, and tells what became of it", async () => {
    const { page, faults, close } = await inside(demo, "town_duty", { language: "en" });
    const mine = [];
    for (const number of ["U-1", "U-2"]) mine.push(await openPetition(page, number));
    await page.goto("/loops?list=me&scene=petition");
    await page.waitForSelector("#loop-list .row");
    await page.waitForFunction(() => document.activeElement?.id === "loop-list");
    await page.keyboard.press("Home");
    const all = (await page.$$("#loop-list .row")).length;
    for (let i = 0; i < all; i++) {
      const words = await textOf(page, "#loop-list [aria-selected=true] .what .small");
      if (mine.some((id) => words.startsWith(`Loop ${id} `))) await page.keyboard.press("x");
      await page.keyboard.press("j");
    }
    await page.keyboard.press("b");
    await page.waitForSelector("#bulk-title");
    await page.check("[name=to][value=handling]");
    await page.click(".loop .step-form button[type=submit]");
    await page.waitForSelector(".undo.waiting");
    await page.click(".nav a[href='/']");
    await page.waitForSelector(".undo.waiting");
    const left = () => textOf(page, ".undo-left");
    // by keys: the seconds stand still while the focus is on the bar
    await page.focus(".undo [data-act=undo]");
    const seen = await left();
    await page.waitForTimeout(2500);
    same(await left(), seen, "nobody is hurried");
    await page.focus(".nav a[href='/loops']");
    await page.waitForSelector(".undo.done");
    check((await textOf(page, ".undo.done")).includes("2 done, 0 refused"), "what became of it");
    for (const id of mine) {
      const stage = await page.evaluate(
        async (no) => (await (await fetch(`/api/v1/loops/${no}`)).json()).stage,
        id,
      );
      same(stage, "handling", `loop ${id}`);
    }
    await page.click(".undo .button");
    same(await page.$$(".undo"), [], "closed");
    same(faults, [], "faults");
    await close();
  });

  test("A second act on many sends the first, and what became of each is told", async () => {
    const { page, faults, close } = await inside(demo, "town_duty", { language: "en" });
    const mine = [];
    for (const number of ["V-1", "V-2"]) mine.push(await openPetition(page, number));
    await page.goto("/loops?list=me&scene=petition");
    await page.waitForSelector("#loop-list .row");
    for (const id of mine) {
      await page.click(`#loop-list .row:has-text("Loop ${id} ") .tick`);
      await page.waitForSelector(".marks b");
      await page.focus("#loop-list");
      await page.keyboard.press("b");
      await page.waitForSelector("#bulk-title");
      await page.check("[name=to][value=handling]");
      await page.click(".loop .step-form button[type=submit]");
      await page.waitForSelector(".undo.waiting");
      await page.click(".loop-head .button.slim");
      await page.waitForSelector("#bulk-title", { state: "detached" });
      if (id === mine[0]) await page.click(`#loop-list .row:has-text("Loop ${id} ") .tick`);
    }
    await page.waitForSelector(".undo [data-ended=done]");
    await page.click(".undo [data-act=send]");
    await page.waitForFunction(() => document.querySelectorAll(".undo [data-ended=done]").length === 2);
    for (const id of mine) {
      const stage = await page.evaluate(
        async (no) => (await (await fetch(`/api/v1/loops/${no}`)).json()).stage,
        id,
      );
      same(stage, "handling", `loop ${id}`);
    }
    for (let i = 0; i < 2; i++) await page.click(".undo [data-ended] > .button.slim");
    same(await page.$$(".undo"), [], "both are closed");
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
    await page.waitForFunction(() => document.activeElement?.id === "loop-list");
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
