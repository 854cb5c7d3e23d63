// The situation: list, map and table agree; missing is hatched; today is partial; counters live.
import {
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

/** How one day of a chart is drawn, from the colours that are seen in its column: "hatched" (ink and ground
 *  alternate over the whole height), "bar" (one long run of ink), or "outline". */
async function columnOf(page, chart, day) {
  const plot = page.locator(`[data-chart=${chart}] .plot`);
  await plot.scrollIntoViewIfNeeded();
  const place = await page.evaluate(
    ([name, index]) => {
      const svg = document.querySelector(`[data-chart=${name}] .plot svg`);
      const group = svg.querySelectorAll("[data-day]")[index];
      const shape = group.querySelector("rect:last-of-type");
      const box = svg.closest(".plot").getBoundingClientRect();
      const own = shape?.getBoundingClientRect();
      const missing = group.querySelector(".missing")?.getBoundingClientRect();
      const axis = svg.querySelector(".axis").getBoundingClientRect();
      return own && { x: (missing ?? own).left - box.left + own.width / 2, bottom: axis.top - box.top };
    },
    [chart, day],
  );
  if (!place) return { changes: 0, longest: 0 };
  const bytes = (await plot.screenshot()).toString("base64");
  return page.evaluate(
    async ([source, { x, bottom }]) => {
      const image = new Image();
      image.src = `data:image/png;base64,${source}`;
      await image.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.width, image.height];
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      const height = Math.floor(bottom) - 11;
      const data = context.getImageData(Math.round(x), 9, 1, height).data;
      const ground = context.getImageData(0, 0, 1, 1).data;
      const isInk = (i) => Math.abs(data[i * 4] - ground[0]) > 14;
      let changes = 0;
      let run = 0;
      let longest = 0;
      for (let i = 0; i < height; i++) {
        run = isInk(i) ? run + 1 : 0;
        longest = Math.max(longest, run);
        if (i && isInk(i) !== isInk(i - 1)) changes++;
      }
      return { changes, longest: longest / height };
    },
    [bytes, place],
  );
}

export function situationTests({ demo, empty, emptyPassword, districtPassword }) {
  async function inside(options) {
    const opened = await openPage(demo, options);
    await logIn(opened.page, "cdc_lead", (await logins(demo)).get("cdc_lead"));
    await opened.page.waitForSelector(".chart .plot svg");
    return opened;
  }
  const readSituation = (page, query = "") =>
    page.evaluate(async (path) => (await fetch(path)).json(), `/api/v1/situation${query}`);
  const weekOf = (district) =>
    district.cases_by_day.slice(-7).reduce((sum, value) => sum + value, 0);

  test("List, map and table show the same districts with the same cases as the server", async () => {
    const { page, faults, close } = await inside();
    const situation = await readSituation(page);
    same(situation.districts.length, 7, "managed districts of Changzhou");
    const sum = situation.districts.reduce((all, district) => all + weekOf(district), 0);
    check(sum > 0, "the demo city has cases");
    for (const district of situation.districts) {
      const label = await page.getAttribute(`.map [data-code="${district.code}"]`, "aria-label");
      check(
        label.startsWith(`${district.name_zh}，近 7 天 ${weekOf(district)} 例`),
        `map: ${label}`,
      );
      const cells = await textsOf(page, `.districts tr[data-code="${district.code}"] :is(th, td)`);
      same(cells[0], district.name_zh, "name in the table");
      same(cells[2], String(weekOf(district)), `week of ${district.name_zh} in the table`);
    }
    const listed = await page.$$eval("[data-need^=cases-]", (nodes) =>
      nodes.map((node) => node.dataset.need.slice(6)),
    );
    const expected = situation.districts
      .filter((district) => weekOf(district) > 0)
      .map((district) => district.code);
    same(listed.sort(), expected.sort(), "districts in the list");
    await page.waitForSelector("[data-need^=alert-], .needs .waits .news");
    if (await page.$(".needs .waits .news")) await page.keyboard.press("r");
    await page.waitForSelector("[data-need^=alert-]");
    const desk = await page.evaluate(async () =>
      (await (await fetch("/api/v1/alerts?limit=50")).json()).items,
    );
    const waiting = desk.filter(({ cause }) => ["now", "waits"].includes(cause?.place));
    check(waiting.length > 0, "alerts wait to be judged");
    same(
      await page.$$eval("[data-need^=alert-]", (nodes) => nodes.map((node) => node.dataset.need)),
      waiting.slice(0, 5).map(({ id }) => `alert-${id}`),
      "alerts in the list, in the order of the desk",
    );
    await page.waitForTimeout(300);
    await picture(page, "situation-zh");
    same(faults, [], "faults");
    await close();
  });

  test("An alert in the list opens its page by keys, and its kind opens the desk", async () => {
    const { page, faults, close } = await openPage(demo, { language: "en" });
    await logIn(page, "epidemiologist", (await logins(demo)).get("epidemiologist"));
    // The night may judge just now: then its alerts wait in the counter.
    await page.waitForSelector("[data-need^=alert-], .needs .waits .news");
    if (!(await page.$("[data-need^=alert-]"))) await page.keyboard.press("r");
    const first = await page.waitForSelector("[data-need^=alert-]");
    const id = (await first.getAttribute("data-need")).slice(6);
    await first.focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(new RegExp(`/alerts/${id}$`));
    await page.goBack();
    await page.click(".group .door[href='/alerts']");
    await page.waitForURL(/\/alerts$/);
    same(faults, [], "faults");
    await close();
  });

  test("A click on the map, the table or the list looks at one district, and Escape comes back", async () => {
    const { page, close } = await inside();
    const whole = await textOf(page, "[data-counter=persons] b");
    await page.click(".map [data-code='320481']");
    await page.waitForURL(/area=320481/);
    const own = await readSituation(page, "?area=320481");
    const persons = own.counters
      .find((counter) => counter.name === "persons")
      .value.toLocaleString("en-US");
    await page.waitForFunction(
      (text) => document.querySelector("[data-counter=persons] b").textContent === text,
      persons,
    );
    check(persons !== whole, "the district has fewer persons than the city");
    const lede = await textOf(page, ".lede");
    check(!lede.includes("全部在"), `a look at one district finds nothing by it: ${lede}`);
    same(
      await page.getAttribute(".map [data-code='320481']", "aria-pressed"),
      "true",
      "ringed on the map",
    );
    same(
      await page.getAttribute(".districts tr[data-code='320481']", "data-current"),
      "true",
      "marked in the table",
    );
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => url.search === "");
    await page.click(".districts tr[data-code='320402'] .pick");
    await page.waitForURL(/area=320402/);
    await page.hover(".districts tr[data-code='320413']");
    same(
      await page.getAttribute(".map [data-code='320413']", "data-hover"),
      "true",
      "row and map point at each other",
    );
    await close();
  });

  test("Days that are not on record are hatched and read as unknown, never as 0; known days are bars", async () => {
    const { data, known } = plantDays("some-days");
    command(
      data,
      ["user", "add", "duty", "--role", "command", "--area", "320400"],
      "a-long-password\n",
    );
    const own = await serve(data);
    const { page, close } = await openPage(own);
    await logIn(page, "duty", "a-long-password");
    await page.waitForSelector(".chart .plot svg");
    const { days, series } = await readSituation(page);
    const expected = days.map((day, i) => (i === 13 ? series.scans[13] : (known.get(day) ?? null)));
    same(series.scans, expected, "the server knows the days that were imported, and no other");
    const words = await textsOf(page, "[data-chart=scans] tbody td:nth-child(2)");
    same(
      words,
      expected.map((value) => (value === null ? "未知" : String(value))),
      "the days in words",
    );
    await page.waitForTimeout(300);
    for (const [i, value] of expected.slice(0, 13).entries()) {
      const seen = await columnOf(page, "scans", i);
      if (value === null)
        check(
          seen.changes >= 6 && seen.longest < 0.2,
          `day ${i} is hatched: ${JSON.stringify(seen)}`,
        );
      else check(seen.longest > 0.2, `day ${i} is a bar: ${JSON.stringify(seen)}`);
    }
    const foot = await textOf(page, "[data-chart=scans] .foot");
    check(foot.includes("没有记录"), `the foot says what the hatch means: ${foot}`);
    const gaps = await page.$$("[data-need^=gap-seriesScans-]");
    check(gaps.length >= 2, "each run of missing days stands in the list");
    await picture(page, "situation-some-days");
    await own.stop();
    await close();
  });

  test("Today is an outline beside full days, and says up to when", async () => {
    const { page, close } = await inside();
    await page.waitForTimeout(300);
    const full = await columnOf(page, "scans", 12);
    check(full.longest > 0.4, `a full day is one bar: ${JSON.stringify(full)}`);
    const today = await columnOf(page, "scans", 13);
    check(today.longest < 0.1, `today is an outline: ${JSON.stringify(today)}`);
    const foot = await textOf(page, "[data-chart=scans] .foot");
    check(/截至 4月\d+日 \d\d:\d\d.*今天未完/.test(foot), `the foot: ${foot}`);
    await close();
  });

  test("A city that holds nothing is hatched from end to end and claims no zero case", async () => {
    const { page, faults, close } = await openPage(empty);
    await page.goto("/");
    await page.waitForSelector("form");
    await page.waitForTimeout(300);
    same(await page.isVisible(".stub"), false, "a real city offers no demo accounts");
    await logIn(page, "duty", emptyPassword);
    await page.waitForSelector(".chart .plot svg");
    same(await page.isVisible(".demo"), false, "a real city is not called a demo");
    const known = await page.$$eval(".map [data-code]", (nodes) =>
      nodes.map((node) => node.dataset.known),
    );
    same(known, Array(7).fill("false"), "every district is unknown");
    same(
      await page.$$eval(".map path[fill='url(#map-hatch)']", (nodes) => nodes.length),
      7,
      "hatched districts",
    );
    const weeks = await textsOf(page, ".districts tbody td:nth-child(3)");
    same(weeks, Array(7).fill("未知"), "weeks in the table");
    for (const name of ["cases_today", "cases_7d", "cases_14d"])
      same(await textOf(page, `[data-counter=${name}] b`), "未知", `counter ${name}`);
    check((await textOf(page, ".lede")).includes("未知"), "the sentence on top says unknown");
    await page.waitForTimeout(300);
    check(
      (await columnOf(page, "cases_by_report", 3)).changes >= 6,
      "cases by report are hatched",
    );
    check((await page.$$("[data-need^=gap-]")).length >= 3, "the gaps stand in the list");
    await picture(page, "situation-empty");
    same(faults, [], "faults");
    await close();
  });

  test("Each counter says when it is true for, and the stream moves it without a reload", async () => {
    const { page, close } = await inside();
    const counters = await page.$$eval("[data-counter]", (nodes) =>
      nodes.map((node) => ({
        name: node.dataset.counter,
        time: node.querySelector(".quiet").textContent,
      })),
    );
    check(counters.length >= 10, "counters");
    for (const { name, time } of counters)
      check(/^截至 \d\d:\d\d:\d\d$/.test(time), `${name}: ${time}`);
    const before = counters.find((counter) => counter.name === "scans_today").time;
    let reads = 0;
    page.on("request", (request) => {
      if (request.url().includes("/situation")) reads++;
    });
    await page.waitForFunction(
      (old) => document.querySelector("[data-counter=scans_today] .quiet").textContent !== old,
      before,
      { timeout: 60_000 },
    );
    same(reads, 0, "reads of the situation meanwhile");
    check((await textOf(page, ".fresh")).startsWith("实时"), "the frame says that data are live");
    await close();
  });

  test("Chart titles are sentences with the server's own figures, in Chinese and in English", async () => {
    const { page, close } = await inside();
    const { series } = await readSituation(page);
    const sum = series.cases_by_report.reduce((all, value) => all + (value ?? 0), 0);
    const yesterday = series.scans.at(-2).toLocaleString("en-US");
    check(
      (await textOf(page, "[data-chart=cases_by_report] h3")).startsWith(`14 天报告 ${sum} 例`),
      "cases, Chinese",
    );
    check(
      (await textOf(page, "[data-chart=scans] h3")).startsWith(`昨日扫码 ${yesterday} 次`),
      "scans, Chinese",
    );
    await page.click(".switch button[lang=en]");
    check(
      (await textOf(page, "[data-chart=cases_by_report] h3")).startsWith(`${sum} case`),
      "cases, English",
    );
    check(
      (await textOf(page, "[data-chart=scans] h3")).startsWith(`${yesterday} scans yesterday`),
      "scans, English",
    );
    await close();
  });

  test("A district's officer sees the own district only; the rest of the map is empty and says nothing", async () => {
    const { page, close } = await openPage(demo);
    await logIn(page, "liyang", districtPassword);
    await page.waitForSelector(".map");
    same(
      await page.$$eval(".map [data-code]", (nodes) => nodes.map((node) => node.dataset.code)),
      ["320481"],
      "districts",
    );
    check((await page.$$(".map .outside")).length >= 5, "the others are drawn without figures");
    await close();
  });

  test("Who sees no person reads that a small count is not shown: neither 0 nor a gap in the data", async () => {
    for (const language of ["zh", "en"]) {
      const { page, faults, close } = await openPage(demo, { language });
      await logIn(page, "press", (await logins(demo)).get("press"));
      await page.waitForSelector(".chart .plot svg");
      const whole = await readSituation(page);
      const codes = ["", ...whole.districts.map(({ code }) => code)];
      let hiddenCounters = 0;
      for (const code of codes) {
        const place = code ? `?area=${code}` : "";
        const situation = await readSituation(page, place);
        const hidden = situation.counters.filter((counter) => counter.hidden);
        if (!hidden.length) continue;
        hiddenCounters += hidden.length;
        await page.goto(`${demo.url}/${place}`);
        for (const { name } of hidden) {
          const value = page.locator(`[data-counter=${name}] b`);
          await value.waitFor();
          check((await value.getAttribute("class")).includes("hatched"), `${name} is hatched`);
          same(
            await value.innerText(),
            language === "zh" ? "太少，不显示" : "too few to show",
            `${name} of ${code || "the city"}`,
          );
        }
        const gaps = await page.$$eval("[data-need^=gap-seriesCases]", (nodes) => nodes.length);
        const unknown = situation.series.cases_by_report.filter(
          (value, i) => value === null && !situation.hidden.cases_by_report[i],
        ).length;
        check(gaps <= unknown, "hidden days are no gap in the data");
        await picture(page, `situation-too-few-${language}-${code || "city"}`);
      }
      check(hiddenCounters > 0, "something is hidden");
      same(faults, [], "faults");
      await close();
    }
  });

  test("The situation fits 1920, 1366 and 960 pixels, 200 % zoom and a phone without a sideways scroll", async () => {
    const views = [
      { width: 1920, height: 1080, columns: 3 },
      { width: 1366, height: 768, columns: 2 },
      { width: 960, height: 900, columns: 1 },
      { width: 1920, height: 1080, zoom: 2, columns: 1 },
      { width: 390, height: 844, columns: 1 },
    ];
    for (const language of ["zh", "en"])
      for (const view of views) {
        const { page, close } = await inside({ ...view, language });
        const where = `${language} ${view.width}${view.zoom ? " at 200 %" : ""}`;
        same(await pageIsWiderThanView(page), false, `${where} scrolls sideways`);
        const lefts = await page.$$eval(
          ".needs, .middle, .side",
          (nodes) =>
            new Set(nodes.map((node) => Math.round(node.getBoundingClientRect().left))).size,
        );
        same(lefts, view.columns === 1 ? 1 : view.columns, `columns of ${where}`);
        if (view.columns === 3)
          same(
            await page.evaluate(() => document.documentElement.scrollHeight <= 1080),
            true,
            `${where} is one view`,
          );
        await page.waitForTimeout(200);
        await picture(page, `situation-${where.replace(/\W+/g, "-")}`);
        await close();
      }
  });
}
