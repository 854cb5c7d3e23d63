// The alert desk: causes in order of their worth, one judged by mouse and one by keys, two officers at
// one alert, arrivals that wait, a watch, a past moment, and the statement that nothing is unusual.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  check,
  command,
  logIn,
  logins,
  openPage,
  pageIsWiderThanView,
  picture,
  same,
  test,
  textOf,
  textsOf,
  work,
} from "./harness.mjs";

const yesterday = "2022-04-13";

/** A positive at the checkpoints of an area: the rule of its channel makes it an alert at once. */
function raise(data, area, channel = "checkpoint_positives") {
  const file = join(work, `series-${area}-${channel}.csv`);
  writeFileSync(file, `channel,area,date,count\n${channel},${area},${yesterday},2\n`);
  command(data, ["import", "series", file]);
  const report = JSON.parse(command(data, ["alerts", "run"]));
  same(report.raised, 1, `alerts that ${channel} of ${area} raised`);
}

/** The planted ones are there: the night is judged as soon as the city is served. */
async function desk(page) {
  await page.goto("/alerts");
  await page.waitForSelector(".desk-head h1");
  for (let i = 0; i < 60 && !(await page.$("[data-place=now] [data-cause]")); i++) {
    await page.waitForTimeout(500);
    await page.reload();
    await page.waitForSelector(".desk-head h1");
  }
}

async function inside(server, name, options = {}) {
  const opened = await openPage(server, options);
  await logIn(opened.page, name, (await logins(server)).get(name));
  return opened;
}

/** A row is opened by a click; its alert stands beside it, and is the one of the address. */
async function open(page, channel) {
  await page.click(`[data-cause][data-channel=${channel}]`);
  await shown(page);
}

async function shown(page, part = ".judge") {
  await page.waitForFunction((inner) => {
    const id = /^\/alerts\/(\d+)$/.exec(location.pathname)?.[1];
    return id && document.querySelector(`[data-alert="${id}"]:has(${inner})`);
  }, part);
}

const rows = (page) =>
  page.$$eval("[data-cause]", (nodes) =>
    nodes.map((node) => [node.dataset.channel, node.getAttribute("aria-selected")]),
  );
const served = (page, path) => page.evaluate(async (at) => (await fetch(at)).json(), path);

export function alertTests({ demo, demoData, districtPassword, empty, emptyPassword }) {
  test("The alert desk ranks causes by what acting is worth, with their members, trail and record", async () => {
    const { page, faults, close } = await inside(demo, "epidemiologist");
    await page.waitForSelector(".nav a[href='/alerts']");
    await desk(page);
    const back = page.locator(".desk-head .push-right > button").first();
    const hour = /^看 (\d\d:00) 时所知$/.exec(await back.textContent())?.[1];
    check(hour, `the button names the hour that it goes to: ${await back.textContent()}`);
    same((await textsOf(page, ".desk-head kbd")).at(-1), "1–5", "a range of keys is one hint");
    await back.click();
    await page.waitForSelector(".past");
    same(new URL(page.url()).searchParams.get("as_of").slice(11, 16), hour, "where it goes");
    await page.keyboard.press("End");
    await page.waitForSelector(".past", { state: "detached" });
    await page.waitForSelector("[data-place=now] [data-cause]");
    const answer = await served(page, "/api/v1/alerts");
    const values = answer.items.filter((one) => one.cause.place === "now").map((one) => one.cause.value);
    same(values, [...values].sort((a, b) => b - a), "the order of the desk");
    same(
      (await rows(page)).map(([channel]) => channel),
      answer.items.map((one) => one.channel),
      "the rows",
    );
    const planted = answer.items.find((one) => one.channel === "fever_clinic");
    same(
      planted.cause.members.map((one) => one.channel),
      ["symptom_reports"],
      "one rise in one district is one cause",
    );
    check(
      (await textOf(page, `[data-cause="${planted.id}"]`)).includes("2 条并 1"),
      "the row says what was merged",
    );
    check(
      answer.items.some((one) => one.kind === "feed" && one.channel === "calls_12345"),
      "a feed that stopped is a cause",
    );
    const statement = await textOf(page, "[data-statement]");
    const { series, late, missing } = answer.statement;
    check(series > 28 && missing >= 1, "the demo's own series, and what the platform feeds");
    check(statement.includes(`看了 ${series} 条序列，${late} 条迟到，${missing} 条缺报`), statement);
    same((await rows(page))[0][1], "true", "the first row is chosen");
    await page.keyboard.press("j");
    same((await rows(page))[1][1], "true", "J moves on");
    await page.keyboard.press("k");
    await picture(page, "alerts-zh");
    same(await pageIsWiderThanView(page), false, "the page scrolls sideways");
    same(faults, [], "faults");
    await close();
  });

  test("An alert is judged by mouse: the reason is asked for, its loop ends, and the desk says so", async () => {
    raise(demoData, "320402");
    const { page, faults, close } = await inside(demo, "epidemiologist");
    await desk(page);
    await open(page, "checkpoint_positives");
    await page.waitForSelector("[data-loop]");
    check(
      /若不超过 0，就不会触发/.test(await textOf(page, "[data-quiet]")),
      await textOf(page, "[data-quiet]"),
    );
    check((await textOf(page, ".missing-words")).includes("先选一种"), "nothing is chosen in advance");
    check(await page.isDisabled(".judge button[type=submit]"), "it cannot be confirmed");
    await page.click("[data-verdict=known]");
    check((await textOf(page, ".missing-words")).includes("还没有写理由"), "the reason is missing");
    check((await textOf(page, ".what-next")).includes("误报"), "what the loop will come to");
    await page.fill("#judge-words", "高速口例行抽检，已在昨日通报");
    await page.click(".judge button[type=submit]");
    await page.waitForSelector(".desk-detail .notice.good");
    check(
      (await textOf(page, ".desk-detail .notice.good")).includes("已定性：已知原因"),
      await textOf(page, ".desk-detail .notice.good"),
    );
    await page.waitForSelector("[data-found=known]");
    check((await textOf(page, "[data-found=known]")).includes("高速口例行抽检"), "the reason is shown");
    await page.waitForFunction(
      () => document.querySelectorAll("[data-cause][data-channel=checkpoint_positives]").length === 0,
    );
    same((await textsOf(page, "[data-judged]")).length >= 1, true, "it is among those judged today");
    await picture(page, "alert-judged-zh");
    same(faults, [], "faults");
    await close();
  });

  test("By keys alone, in English: the cause of an alert is opened, judged with its members, and its loops go on", async () => {
    const { page, faults, close } = await openPage(demo, { language: "en" });
    await logIn(page, "wujin", districtPassword);
    await desk(page);
    await page.focus("#alert-list");
    for (let i = 0; i < 20; i++) {
      const chosen = (await rows(page)).find(([, selected]) => selected === "true");
      if (chosen?.[0] === "fever_clinic") break;
      await page.keyboard.press("j");
    }
    await page.keyboard.press("Enter");
    await shown(page);
    await page.waitForSelector(".alert-figure .plot svg");
    await page.focus(".alert-figure .plot");
    await page.keyboard.press("ArrowLeft");
    check(
      /^12 Apr, \w+: \d+, expected [\d.]+, limit [\d.]+/.test(await textOf(page, ".alert-figure .readout")),
      await textOf(page, ".alert-figure .readout"),
    );
    await picture(page, "alert-open-en");
    await page.keyboard.press("1");
    await page.waitForFunction(() => document.activeElement?.id === "judge-words");
    await page.keyboard.type("Six of them work at one logistics park");
    const id = Number(/\/alerts\/(\d+)/.exec(page.url())[1]);
    const before = await served(page, `/api/v1/alerts/${id}`);
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector(".desk-detail .notice.good");
    const words = await textOf(page, ".desk-detail .notice.good");
    check(words.includes(`Loop ${before.loop} is now at “On the spot”`), words);
    const judged = await served(page, "/api/v1/alerts?state=judged");
    same(
      judged.items
        .filter((one) => one.area === "320412")
        .map((one) => [one.channel, one.verdict])
        .sort(),
      [
        ["fever_clinic", "true_signal"],
        ["symptom_reports", "true_signal"],
      ],
      "the member was judged with it",
    );
    const loop = await served(page, `/api/v1/loops/${before.loop}`);
    same(loop.stage, "on_site", "the loop went on by the same hand");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => location.pathname === "/alerts");
    await page.waitForFunction(() => document.activeElement?.id === "alert-list" || !document.getElementById("alert-list"));
    same(faults, [], "faults");
    await close();
  });

  test("Two officers judge one alert at once: the second is told by whom, and nothing of theirs is kept", async () => {
    raise(demoData, "320404");
    const first = await inside(demo, "epidemiologist");
    const second = await inside(demo, "cdc_duty");
    for (const { page } of [first, second]) {
      await desk(page);
      await open(page, "checkpoint_positives");
    }
    for (const [{ page }, verdict] of [
      [first, "data_fault"],
      [second, "true_signal"],
    ]) {
      await page.click(`[data-verdict=${verdict}]`);
      await page.fill("#judge-words", "看过登记簿");
    }
    await first.page.click(".judge button[type=submit]");
    await first.page.waitForSelector(".desk-detail .notice.good");
    await second.page.click(".judge button[type=submit]");
    await second.page.waitForSelector(".desk-detail .notice.bad");
    const words = await textOf(second.page, ".desk-detail .notice.bad");
    check(/已经有人定性了：数据错误，epidemiologist，.*你的没有记下/.test(words), words);
    await second.page.waitForSelector("[data-found=data_fault]");
    same(await second.page.$(".judge"), null, "there is nothing to judge any more");
    await picture(second.page, "alert-conflict-zh");
    same([...first.faults, ...second.faults], [], "faults");
    await first.close();
    await second.close();
  });

  test("What arrives waits in a counter; a watched alert leaves the desk, says until when, and stays there", async () => {
    const { page, faults, close } = await inside(demo, "epidemiologist");
    await desk(page);
    const before = await rows(page);
    raise(demoData, "320413");
    await page.waitForSelector(".news", { timeout: 90_000 });
    same(await rows(page), before, "the list did not move");
    check((await textOf(page, ".news")).startsWith("新 1 个"), await textOf(page, ".news"));
    await picture(page, "alerts-news-zh");
    await page.keyboard.press("r");
    await page.waitForSelector("[data-cause][data-channel=checkpoint_positives]");
    await open(page, "checkpoint_positives");
    await page.keyboard.press("4");
    await page.waitForSelector("#judge-until");
    same(await page.inputValue("#judge-until"), "2022-04-15T09:00", "tomorrow morning of the city");
    await page.fill("#judge-words", "等明早复检结果");
    await page.keyboard.press("Control+Enter");
    await page.waitForSelector(".desk-detail .notice.good");
    await page.waitForSelector("[data-place=watched] [data-channel=checkpoint_positives]");
    check(
      (await textOf(page, "[data-place=watched] [data-cause]")).includes("看到 4月15日 09:00"),
      await textOf(page, "[data-place=watched] [data-cause]"),
    );
    const loop = await page.getAttribute("[data-loop]", "data-loop");
    const said = await served(page, `/api/v1/loops/${loop}`);
    same([said.stage, said.due_at.slice(0, 16)], ["watching", "2022-04-15T09:00"], "its loop waits too");
    await picture(page, "alerts-watched-zh");
    same(faults, [], "faults");
    await close();
  });

  test("A past moment shows the alert desk as it was known then, framed, and nothing can be done in it", async () => {
    const { page, faults, close } = await inside(demo, "epidemiologist");
    await desk(page);
    await page.goto("/alerts?as_of=2022-04-14T14:00:00%2B08:00");
    await page.waitForSelector(".past");
    await page.waitForSelector("[data-statement]");
    check((await textOf(page, ".past")).includes("4月14日 14:00 当时所知"), await textOf(page, ".past"));
    same(await rows(page), [], "no alert was known before the night was judged");
    check((await textOf(page, "[data-statement]")).includes("还没有研判过一夜"), "and no night");
    await picture(page, "alerts-past-zh");
    await page.keyboard.press("End");
    await page.waitForFunction(() => !location.search);
    await page.waitForSelector("[data-cause]");
    same(faults, [], "faults");
    await close();
  });

  test("Where no alert is, the alert desk says what was looked at, and claims nothing of what was not", async () => {
    const watched = await openPage(demo);
    await logIn(watched.page, "liyang", districtPassword);
    const { page: district } = watched;
    await desk(district);
    const silent = await served(district, "/api/v1/alerts");
    if (silent.items.length) {
      await district.click("[data-cause]");
      await shown(district, "h1");
      check(
        (await textOf(district, ".alert-pane")).includes("你的岗位只看，不定性"),
        "who may not judge is told so",
      );
    }
    const { series, late, missing } = silent.statement;
    check(
      (await textOf(district, "[data-statement]")).startsWith(
        `看了 ${series} 条序列，${late} 条迟到，${missing} 条缺报`,
      ),
      "what was looked at is that of the own area",
    );
    await watched.close();
    const { page, faults, close } = await openPage(empty);
    await logIn(page, "duty", emptyPassword);
    await page.goto("/alerts");
    await page.waitForSelector(".desk-head h1");
    same(await textOf(page, ".desk-head h1"), "有没有异常，还不知道", "nothing was looked at");
    await page.waitForSelector("[data-statement]");
    check(
      /看了 0 条序列|还没有研判过一夜/.test(await textOf(page, "[data-statement]")),
      await textOf(page, "[data-statement]"),
    );
    await picture(page, "alerts-none-zh");
    same(faults, [], "faults");
    await close();
  });

  test("The alert desk fits 1920, 1280 and 390 pixels and 200 % zoom, in both languages and themes", async () => {
    for (const view of [
      { width: 1920, theme: "dark", language: "en" },
      { width: 1280 },
      { width: 1280, language: "en" },
      { width: 1920, zoom: 2 },
      { width: 390, language: "en" },
      { width: 390 },
    ]) {
      const { page, close } = await inside(demo, "epidemiologist", { height: 1080, ...view });
      await desk(page);
      const name = `alerts-${view.width}${view.zoom ? "-zoom" : ""}-${view.language ?? "zh"}`;
      same(await pageIsWiderThanView(page), false, `${name} scrolls sideways`);
      await picture(page, name);
      await open(page, "pharmacy_fever");
      await page.waitForSelector(".alert-figure .plot svg");
      same(await pageIsWiderThanView(page), false, `${name}, one alert, scrolls sideways`);
      await picture(page, `${name}-one`);
      await close();
    }
  });
}
