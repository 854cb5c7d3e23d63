// Cases: the purpose before identity, lanes, the exposed, keys, long lists, and strings as strings.
import {
  check,
  command,
  logIn,
  logins,
  openCase,
  openCases,
  openPage,
  picture,
  same,
  test,
  textOf,
  textsOf,
} from "./harness.mjs";
import { companions, earlyName, evilName, evilVenue } from "./plant.mjs";

export function caseTests({ demo, demoData, plantedCase }) {
  async function inside(options, name = "cdc_investigator") {
    const opened = await openPage(demo, options);
    await logIn(opened.page, name, (await logins(demo)).get(name));
    return opened;
  }
  const read = (page, path, purpose) =>
    page.evaluate(
      async ([address, header]) =>
        (await fetch(address, { headers: { "X-Purpose": header } })).json(),
      [path, purpose],
    );
  /** The planted case is the latest entry. */
  const plantedId = async (page) =>
    (await read(page, "/api/v1/cases?limit=1", "duty:case_review")).items[0].id;

  test("No identity leaves the server before a purpose is given, and the note of it stands before the act", async () => {
    const { page, faults, close } = await inside();
    const asked = [];
    page.on("request", (request) => {
      const path = new URL(request.url()).pathname;
      if (path.startsWith("/api/v1/cases")) asked.push([path, request.headers()["x-purpose"]]);
    });
    await page.goto("/cases");
    await page.waitForSelector(".gate");
    check(
      (await textOf(page, ".gate .record")).includes("cdc_investigator"),
      "the note names who is recorded",
    );
    const before = await page.evaluate(() => {
      const [note, act] = [".gate .record", ".gate button[type=submit]"].map((one) =>
        document.querySelector(one),
      );
      return Boolean(note.compareDocumentPosition(act) & Node.DOCUMENT_POSITION_FOLLOWING);
    });
    check(before, "the note stands before the act");
    same(await page.isDisabled(".gate button[type=submit]"), true, "the act waits for a purpose");
    same(
      await page.$$eval(".gate input:checked", (nodes) => nodes.length),
      0,
      "no purpose is chosen in advance",
    );
    same(asked, [], "requests before the act");
    await picture(page, "gate");
    await page.check(".gate input[value='duty:case_review']");
    await page.click(".gate button[type=submit]");
    await page.waitForSelector("#case-list .row");
    same(asked, [["/api/v1/cases", "duty:case_review"]], "the request and its purpose");
    asked.length = 0;
    const id = await plantedId(page);
    asked.length = 0;
    await page.goto(`/cases/${id}`);
    await page.waitForSelector(".gate");
    same(asked, [], "requests before the act on a case");
    await page.click(".gate button[type=submit]");
    await page.waitForSelector(".lanes");
    await page.waitForSelector("#exposed-list .row");
    same(
      [...new Set(asked.map(([, purpose]) => purpose))],
      [`case:${id}`],
      "purposes of the case page",
    );
    same(faults, [], "faults");
    command(demoData, ["audit", "verify"]); // throws unless the chain is whole
    await close();
  });

  test("The list and a case are worked by keys alone: / J K Enter Esc, back to the same row", async () => {
    const { page, close } = await inside({ language: "en" });
    await page.goto("/cases");
    await page.waitForSelector(".gate input:focus");
    await page.keyboard.press("Space");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#case-list .row");
    const chosen = () => textOf(page, "#case-list [aria-selected=true] b");
    const first = await chosen();
    await page.keyboard.press("j");
    const second = await chosen();
    check(first !== second, "J moves");
    await page.keyboard.press("k");
    same(await chosen(), first, "K moves back");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/cases\/\d+/);
    await page.waitForSelector(".gate input:focus"); // the gate takes the focus when it is drawn
    await page.keyboard.press("Enter");
    await page.waitForSelector(".lanes");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#case-list .row");
    await page.waitForFunction(
      (row) => document.querySelector("#case-list [aria-selected=true] b")?.textContent === row,
      second,
    );
    await page.keyboard.press("/");
    same(
      await page.evaluate(() => document.activeElement.id),
      "case-list-filter",
      "/ goes to the filter",
    );
    await page.keyboard.type("Case 1");
    check(
      (await textsOf(page, "#case-list .row b")).every((row) => row.includes("Case 1")),
      "the filter filters",
    );
    await page.keyboard.press("Escape");
    same(await page.inputValue("#case-list-filter"), "", "Escape clears the filter");
    await page.keyboard.press("Escape");
    await page.waitForSelector(".map");
    await close();
  });

  test("Lanes show each visit by its evidence, tint the infectious window and enlarge the day that keys choose", async () => {
    const { page, faults, close } = await inside();
    const id = await plantedId(page);
    await openCase(page, id);
    const page14 = await read(page, `/api/v1/cases/${id}`, `case:${id}`);
    same(
      page14.lanes.flatMap((lane) => lane.visits).length,
      plantedCase.visits.length,
      "visits of the planted case",
    );
    const lanes = "section[aria-labelledby=lanes-title] .lanes";
    const counted = async (selector) => (await page.$$(`${lanes} ${selector}`)).length;
    same(await counted(".tick"), 4, "ticks, one a scan");
    same(await counted(".outline"), 1, "outlines: claimed");
    same(await counted("rect.solid"), 2, "solid: attended and sealed");
    check(
      (await counted("rect[fill='url(#lane-fade)']")) >= 2,
      "fading: rotating, and the tails of the solid ones",
    );
    same(await counted(".window"), 1, "the window");
    same(
      await counted("rect[fill='url(#lane-hatch)']"),
      14 - 3,
      "days without a record are hatched",
    );
    await page.focus(lanes);
    same(
      await page.evaluate(() => document.activeElement.getAttribute("role")),
      "slider",
      "the lanes take the focus",
    );
    for (let i = 0; i < 14; i++) await page.keyboard.press("ArrowLeft");
    for (const day of page14.days) {
      const shown = await page.getAttribute(lanes, "aria-valuetext");
      const [, month, date] = day.split("-").map(Number);
      check(shown.startsWith(`${month}月${date}日`), `day by keys: ${shown}`);
      if (day === "2022-04-10") {
        const words = await textsOf(page, "[data-day-shown='2022-04-10'] .day-words li");
        check(
          words.some((line) => line.includes("12:12 扫码") && line.includes("设备签名")),
          `words: ${words}`,
        );
        await picture(page, "case-zh");
      }
      await page.keyboard.press("ArrowRight");
    }
    const note = await page.evaluate(() => {
      const [complete, list] = [".complete", "#exposed-list"].map((one) =>
        document.querySelector(one),
      );
      return (
        complete &&
        list &&
        Boolean(complete.compareDocumentPosition(list) & Node.DOCUMENT_POSITION_FOLLOWING)
      );
    });
    check(note, "how complete it is stands above the results");
    same(faults, [], "faults");
    await close();
  });

  test("A stay under way when the infectious window begins is counted, looked around and enlarged; every number says of what it is", async () => {
    const { page, faults, close } = await inside();
    const { items } = await read(page, "/api/v1/cases?limit=1000", "duty:case_review");
    const { id, person_no: no } = items.find((item) => item.name === earlyName);
    const known = await read(page, `/api/v1/cases/${id}`, `case:${id}`);
    same(
      [known.window.visits, known.window.under_way, known.window.venues],
      [1, 1, 1],
      "stays while infectious",
    );
    await openCase(page, id);
    await page.waitForSelector("#exposed-list .row");
    const said = await textOf(page, ".complete [data-infectious]");
    check(said.includes("可传染期 1 次停留") && said.includes("含 1 次在"), `counted: ${said}`);
    check(
      (await textOf(page, "#lanes-title")).includes("可传染期到过其中 1 处"),
      "the same in the title of the lanes",
    );
    const exposed = await read(page, `/api/v1/cases/${id}/exposures`, `case:${id}`);
    same([exposed.summary.visits, exposed.summary.exposed], [1, 1], "who was exposed in it");
    await page.waitForSelector("[data-day-shown='2022-04-06']");
    const words = await textOf(page, "[data-day-shown] .day-words");
    check(words.includes("可传染期开始时可能还在场"), `the day enlarged: ${words}`);
    const hatched = (
      await page.$$("section[aria-labelledby=lanes-title] rect[fill='url(#lane-hatch)']")
    ).length;
    same(await page.getAttribute(".complete [data-days]", "data-days"), String(14 - hatched), "days");
    const days = (await textOf(page, ".complete [data-days]")).match(/\d+/g).map(Number);
    same(days[0], days.slice(1).reduce((sum, one) => sum + one, 0), `days add up: ${days}`);
    /* the reason that decides, not the first: the contact's red ends, the case's does not */
    const { reasons } = known.status;
    same(
      reasons.map((one) => one.until === null),
      [false, true],
      "two reasons, one without an end",
    );
    const why = await textOf(page, "[data-case-reason]");
    check(why.startsWith(reasons[1].words.zh) && !why.includes("密切接触"), `why: ${why}`);
    check((await textOf(page, ".head .facts")).includes("没有定期"), "no end, as in the dossier");
    same(
      await page.getAttribute("[data-case-reason] a", "href"),
      `/people/${no}?for=case:${id}`,
      "the others are in the dossier",
    );
    await picture(page, "case-under-way");
    /* and back: the dossier's case is a link */
    await page.click("[data-case-reason] a");
    await page.check(`.gate input[value='case:${id}']`);
    await page.click(".gate button[type=submit]");
    await page.waitForSelector(`.pieces [data-case='${id}']`);
    same(await page.getAttribute("[data-why] [data-case]", "href"), `/cases/${id}`, "the case");
    same(faults, [], "faults");
    await close();
  });

  test("The exposed come by weight with places and gaps; a long list draws only what is in view", async () => {
    const { page, close } = await inside();
    const id = await plantedId(page);
    await openCase(page, id);
    await page.waitForSelector("#exposed-list .row");
    const first = await read(page, `/api/v1/cases/${id}/exposures?limit=1000`, `case:${id}`);
    const total = first.summary.exposed;
    check(total >= companions - 5, `exposed: ${total}`);
    check(
      (await textOf(page, ".case-right h2")).includes(String(total)),
      "the title has the count",
    );
    check((await page.$$("#exposed-list .row")).length < 60, "rows that are drawn");
    same(
      await page.getAttribute("#exposed-list .row", "aria-setsize"),
      String(total),
      "rows that there are",
    );
    for (let i = 0; i < 30; i++) {
      await page.$eval("#exposed-list", (list) => {
        list.scrollTop = list.scrollHeight;
      });
      await page.waitForTimeout(100);
      if (
        (await page.$$eval("#exposed-list .row", (rows) =>
          Math.max(...rows.map((row) => Number(row.ariaPosInSet))),
        )) === total
      )
        break;
    }
    const last = await page.$$eval("#exposed-list .row", (rows) =>
      rows.map((row) => Number(row.ariaPosInSet)),
    );
    same(Math.max(...last), total, "the end of the list is reached page by page");
    check((await page.$$("#exposed-list .row")).length < 60, "rows that are drawn at the end");
    await page.focus("#exposed-list");
    await page.keyboard.press("Home");
    const weights = (await textsOf(page, "#exposed-list .row .weight")).map(Number);
    check(
      weights.every((weight, i) => i === 0 || weight <= weights[i - 1]),
      `weights fall: ${weights.slice(0, 8)}`,
    );
    await page.keyboard.press("Enter");
    const item = first.items[0];
    await page.waitForSelector(`[data-places='${item.person_no}']`);
    const places = await textsOf(page, ".places li");
    same(places.length, item.places.length, "places of the first");
    check(/病例 .*此人 .*相差/.test(places[0]), `why: ${places[0]}`);
    await close();
  });

  test("Names of venues and persons are shown as they are and never become markup", async () => {
    const { page, faults, close } = await inside();
    const id = await plantedId(page);
    await openCase(page, id);
    await page.waitForSelector("#exposed-list .row");
    await page.focus("section[aria-labelledby=lanes-title] .lanes");
    for (let i = 0; i < 14; i++) await page.keyboard.press("ArrowLeft");
    for (let i = 0; i < 14 && !(await page.$("[data-day-shown='2022-04-08']")); i++)
      await page.keyboard.press("ArrowRight");
    same(
      await textOf(page, "[data-day-shown='2022-04-08'] .day-words b"),
      evilVenue,
      "the venue's name",
    );
    await page.keyboard.press("/");
    await page.keyboard.type("onerror");
    await page.waitForFunction(() => document.querySelectorAll("#exposed-list .row").length === 1);
    check(
      (await textOf(page, "#exposed-list .row")).includes(evilVenue),
      "the venue's name in the list",
    );
    const loaded = await textOf(page, ".case-right [role=status]");
    const [rows, total] = /(\d+) \/ (\d+)/.exec(loaded).slice(1);
    same(rows, total, "a filter reads every page of the list once");
    same(
      await page.evaluate(() => document.querySelectorAll("main img, main script").length),
      0,
      "elements made of names",
    );
    check(!(await page.title()).includes("taken"), "no script of a name ran");
    check(evilName.startsWith("<"), "the planted person has such a name");
    same(faults, [], "faults");
    await close();
  });

  test("Who lives outside the reader's area is a number without a name or colour", async () => {
    const { page, close } = await inside();
    const id = await plantedId(page);
    await close();
    const district = await openPage(demo);
    command(
      demoData,
      ["user", "add", `tianning${Date.now()}`, "--role", "cdc_investigator", "--area", "320402"],
      "a-long-password\n",
    );
    const users = JSON.parse(command(demoData, ["--json", "user", "list"]));
    const name = users
      .map((user) => user.name)
      .filter((one) => one.startsWith("tianning"))
      .at(-1);
    await logIn(district.page, name, "a-long-password");
    await openCase(district.page, id);
    await district.page.waitForSelector("#exposed-list .row");
    await district.page.keyboard.press("/");
    await district.page.keyboard.type("zzzz"); // reads the whole list
    await district.page.waitForFunction(() =>
      document.querySelector(".case-right [role=status]").textContent.includes("zzzz"),
    );
    const list = await read(
      district.page,
      `/api/v1/cases/${id}/exposures?limit=1000`,
      `case:${id}`,
    );
    const outside = list.items.filter((item) => item.color === null);
    check(outside.length >= 1, "somebody of another area is exposed");
    same(outside[0].name, null, "the server gives no name");
    await district.page.fill("#exposed-filter", String(outside[0].person_no));
    await district.page.waitForFunction(
      () => document.querySelectorAll("#exposed-list .row").length >= 1,
    );
    const row = (await textsOf(district.page, "#exposed-list .row")).find((line) =>
      line.includes(`${outside[0].person_no} 号`),
    );
    check(row && row.includes("辖区外"), `row: ${row}`);
    await district.close();
  });

  test("An officer who may read cases but not trace is told so, and the rest of the case is shown", async () => {
    const { page, close } = await inside({}, "town_duty");
    await openCases(page);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".gate input:focus");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".lanes");
    await page.waitForSelector(".case-right [role=alert]");
    check(
      (await textOf(page, ".case-right [role=alert]")).includes("没有追踪权限"),
      "said in words",
    );
    await close();
  });
}
