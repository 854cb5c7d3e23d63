// The past: the time bar by mouse and by keys, what the page says of an hour, and that nothing can be done
// there. Figures are compared with the server's own answer for the hour.
import {
  axeFindings,
  check,
  command,
  logIn,
  logins,
  openPage,
  pageIsWiderThanView,
  picture,
  same,
  serve,
  test,
  textOf,
  textsOf,
} from "./harness.mjs";
import { plantDays } from "./plant.mjs";

const slider = ".time-bar input[type=range]";
const hourOf = (url) => new URL(url).searchParams.get("as_of");

export function pastTests({ demo }) {
  async function inside(options) {
    const opened = await openPage(demo, options);
    await logIn(opened.page, "cdc_lead", (await logins(demo)).get("cdc_lead"));
    await opened.page.waitForSelector(slider);
    return opened;
  }
  const read = (page, hour) =>
    page.evaluate(
      async (path) => (await fetch(path)).json(),
      `/api/v1/situation?as_of=${encodeURIComponent(hour)}`,
    );
  const shows = (page, hour) =>
    page.waitForFunction(
      (words) =>
        document.querySelector(".past-note b")?.textContent.includes(words) &&
        !document.querySelector(".situation[aria-busy=true]"),
      hour,
    );

  test("The time bar goes back by keys, hour by hour and day by day, and End and Escape come back to now", async () => {
    const { page, faults, close } = await inside();
    same(await page.isVisible(".past-note"), false, "now is not the past");
    await page.keyboard.press("ArrowLeft");
    await page.waitForURL(/as_of=/);
    const last = hourOf(page.url());
    check(/^2022-04-14T\d\d:00:00\+08:00$/.test(last), `a full hour: ${last}`);
    await shows(page, last.slice(11, 16));
    await page.keyboard.press("ArrowLeft");
    const hour = Number(last.slice(11, 13)) - 1;
    await shows(page, `${String(hour).padStart(2, "0")}:00`);
    await page.focus(slider);
    await page.keyboard.press("PageUp");
    await shows(page, "4月13日");
    await page.keyboard.press("PageUp");
    await shows(page, "4月12日");
    await page.keyboard.press("PageDown");
    await shows(page, "4月13日");
    await page.keyboard.press("Home");
    await shows(page, "4月1日 00:00");
    check((await page.getAttribute(slider, "aria-valuetext")) === "4月1日 00:00", "value in words");
    await page.keyboard.press("End");
    await page.waitForURL((url) => !url.search);
    await page.waitForSelector(".past-note", { state: "detached" });
    await page.keyboard.press("ArrowLeft");
    await page.waitForSelector(".past-note");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => !url.search);
    same(faults, [], "faults");
    await close();
  });

  test("Dragged with the mouse, map, table, charts and figures are the server's of that hour, and no act is offered", async () => {
    const { page, faults, close } = await inside();
    check((await page.$$(".needs .acts .main")).length > 0, "now there is an act");
    const box = await (await page.$(slider)).boundingBox();
    await page.mouse.move(box.x + box.width - 10, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.82, box.y + 10, { steps: 12 });
    await page.mouse.up();
    await page.waitForURL(/as_of=/);
    const hour = hourOf(page.url());
    await shows(page, hour.slice(11, 16));
    const then = await read(page, hour);
    same(then.past, true, "the server tells of the past");
    for (const district of then.districts) {
      const week = district.cases_by_day.slice(-7);
      const sum = week.reduce((all, value) => all + (value ?? 0), 0);
      const cells = await textsOf(page, `.districts tr[data-code="${district.code}"] :is(th, td)`);
      check(cells[2].startsWith(String(sum)), `week of ${district.name_zh}: ${cells[2]}, ${sum}`);
      same(cells[5], district.scans_today.toLocaleString("en-US"), "scans of that day so far");
      const label = await page.getAttribute(`.map [data-code="${district.code}"]`, "aria-label");
      check(label.includes(`近 7 天 ${sum}`), `map: ${label}`);
    }
    same(
      await textsOf(page, "[data-chart=scans] tbody td:nth-child(2)"),
      then.series.scans.map((value) => (value === null ? "未知" : value.toLocaleString("en-US"))),
      "chart of scans",
    );
    for (const { name, value } of then.counters) {
      const shown = await textOf(page, `[data-counter=${name}] b`);
      if (value === null && !name.startsWith("cases_")) same(shown, "未知", name);
      else if (value !== null && !name.startsWith("cases_"))
        same(shown, value.toLocaleString("en-US"), name);
    }
    same(await page.$$eval("[data-counter=status_green] .hatched", (nodes) => nodes.length), 1,
      "colours were not kept: hatched");
    same((await page.$$(".needs .acts .main")).length, 0, "no act");
    same((await page.$$(".districts td a, .chart a[href^='/cases']")).length, 0, "no door to cases");
    await page.waitForTimeout(300);
    await picture(page, "past-zh");
    same(faults, [], "faults");
    await close();
  });

  test("Venues of the map are not drawn at an hour of the past, and the map says why", async () => {
    const { page, faults, close } = await inside();
    await page.selectOption("#map-layer", "all");
    await page.waitForFunction(() => document.querySelector(".layer-words")?.textContent.includes("处"));
    await page.focus(slider);
    await page.keyboard.press("ArrowLeft");
    await page.waitForSelector(".past-note");
    await page.waitForSelector(".layer-words.hatched");
    check((await textOf(page, ".layer-words")).includes("没有留存"), "why none is drawn");
    const painted = await page.$eval(".map-signs", (canvas) =>
      canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean),
    );
    check(!painted, "nothing of now on the map of then");
    await page.keyboard.press("End");
    await page.waitForSelector(".layer-words:not(.hatched)");
    same(faults, [], "faults");
    await close();
  });

  test("An address with as_of opens that hour, a district keeps it, and the loops of that hour follow", async () => {
    const { page, faults, close } = await inside();
    const hour = "2022-04-12T15:00:00+08:00";
    await page.goto(`/?as_of=${encodeURIComponent(hour)}`);
    await shows(page, "4月12日 15:00");
    await page.click(".map [data-code='320481']");
    await page.waitForURL(/area=320481.*as_of=/);
    await page.click(".past-note a");
    await page.waitForURL(/\/loops\?list=area&as_of=/);
    await page.waitForSelector(".loops.past");
    same(await textsOf(page, ".switch [data-list]"), ["当时未结", "当时逾期", "当时已结"], "lists");
    same(await textOf(page, ".loop-side .empty"), "那时的记录里没有这样的闭环；没有记下的，不知道。", "no loop is on record then");
    same((await page.$$(".loop-side kbd")).length, 2, "keys to move, none to act");
    await page.keyboard.press("n");
    await page.waitForTimeout(200);
    check(!page.url().includes("/loops/new"), "nothing is opened in the past");
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => !url.searchParams.has("as_of"));
    same(faults, [], "faults");
    await close();
  });

  test("While one looks back live figures wait and are counted; playing goes on hour by hour to the end", async () => {
    const { page, close } = await inside();
    const stamp = "[data-counter=scans_today] .quiet";
    await page.keyboard.press("ArrowLeft");
    await page.waitForSelector(".past-note");
    await shows(page, hourOf(page.url()).slice(11, 16));
    const before = await textOf(page, stamp);
    // the counters have their pass once a minute
    await page.waitForSelector(".past-note .waiting", { timeout: 180_000 });
    check(/此后有 \d+ 个数已变/.test(await textOf(page, ".past-note .waiting")), "counted");
    same(await textOf(page, stamp), before, "the hour's own figure stays");
    await page.focus(slider);
    for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowLeft");
    await page.click(".time-bar-acts button:last-child");
    await page.waitForURL((url) => !url.search, { timeout: 20_000 });
    await page.waitForSelector(".time-bar-acts button:last-child[aria-pressed=false]"); // it stops
    await close();
  });

  test("Hours that nobody kept are hatched in the bar, and their figures are unknown, never 0", async () => {
    const { data } = plantDays("past-days");
    command(
      data,
      ["user", "add", "duty", "--role", "command", "--area", "320400"],
      "a-long-password\n",
    );
    const own = await serve(data);
    const { page, close } = await openPage(own);
    await logIn(page, "duty", "a-long-password");
    await page.waitForSelector(slider);
    check((await page.$$(".time-bar .gaps rect")).length >= 1, "hatched from end to end");
    const answer = await page.evaluate(async () => (await fetch("/api/v1/situation:hours")).json());
    same(answer.items, [], "nothing is kept yet");
    check(answer.first.slice(11, 19) === "00:00:00", "the bar begins with the city's first day");
    same((await page.$$(".ticks span")).length, 1, "which is today");
    const refused = await page.evaluate(
      async () => (await fetch("/api/v1/situation?as_of=2022-01-01T00:00:00%2B08:00")).status,
    );
    same(refused, 400, "before the city's first day");
    const today = await page.evaluate(
      async () => (await (await fetch("/api/v1/public/about")).json()).city_now,
    );
    await page.goto(`/?as_of=${encodeURIComponent(`${today.slice(0, 10)}T00:00:00+08:00`)}`);
    await page.waitForSelector(".past-note");
    await page.waitForFunction(() =>
      document.querySelector(".past-note").textContent.includes("都不知道"),
    );
    same(
      await page.$$eval(".map [data-code]", (nodes) => nodes.map((node) => node.dataset.known)),
      Array(7).fill("false"),
      "every district is hatched",
    );
    same(await textOf(page, "[data-counter=persons] b"), "未知", "persons");
    await picture(page, "past-unknown");
    await own.stop();
    await close();
  });

  test("Panels without a source are hatched and say so; R(t) stands with its interval", async () => {
    const { page, close } = await inside();
    const { unfed, reproduction, series } = await page.evaluate(
      async () => (await fetch("/api/v1/situation")).json(),
    );
    same(unfed, ["tests_due", "tubes"], "what is not fed");
    for (const name of unfed)
      check((await textOf(page, `[data-unfed=${name}] .hatched`)).includes("尚未接入"), name);
    const last = reproduction.findLast((estimate) => estimate);
    const title = await textOf(page, "[data-chart=reproduction] h3");
    check(title.includes(`${last.mean.toFixed(1)}（${last.low.toFixed(1)}–`), title);
    const words = await textsOf(page, "[data-chart=reproduction] tbody td:nth-child(2)");
    same(words.filter((text) => text === "未知").length,
      reproduction.filter((estimate) => !estimate).length, "days without an estimate");
    same((await textsOf(page, "[data-chart=loops] tbody td:nth-child(2)")).filter((text) => text === "未知").length,
      series.loops_opened.filter((value) => value === null).length, "days before loops were counted");
    await close();
  });

  test("The past is reached by keyboard and read at every width, in both languages and themes", async () => {
    for (const language of ["zh", "en"])
      for (const [width, theme] of [
        [1920, "dark"],
        [1280, "light"],
        [390, "light"],
      ]) {
        const { page, close } = await inside({ width, height: 900, language, theme });
        await page.goto(`/?as_of=${encodeURIComponent("2022-04-12T15:00:00+08:00")}`);
        await page.waitForSelector(".past-note");
        await page.waitForSelector(".chart .plot svg");
        same(await pageIsWiderThanView(page), false, `${language} ${width} scrolls sideways`);
        same(await axeFindings(page), [], `axe: ${language} ${width} ${theme}`);
        await page.waitForTimeout(200);
        await picture(page, `past-${language}-${width}-${theme}`);
        await close();
      }
  });
}
