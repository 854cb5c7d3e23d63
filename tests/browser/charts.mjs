// The frame of all charts: by mouse and by keys, in both languages and themes, a chart's table, its CSV and
// its drawing say what the API says; files stand alone; what is missing is a word or hatched, never 0.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  check,
  command,
  logIn,
  logins,
  openCases,
  openPage,
  pageIsWiderThanView,
  picture,
  same,
  serve,
  test,
  textOf,
  textsOf,
  work,
} from "./harness.mjs";
import { plantDays } from "./plant.mjs";

const unknownWord = { zh: "未知", en: "not known" };

/** RFC 4180, as a spreadsheet reads it. */
function parseCsv(text) {
  check(text.startsWith("\ufeff"), "a byte order mark");
  const rows = [[]];
  let at = 1;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        if (text[at] === '"') at++;
        cell += text[at];
      }
      at++;
    } else while (at < text.length && text[at] !== "," && text[at] !== "\r") cell += text[at++];
    rows.at(-1).push(cell);
    if (text[at] === ",") at++;
    else {
      same(text.slice(at, at + 2), "\r\n", "a line's end");
      at += 2;
      if (at < text.length) rows.push([]);
    }
  }
  return rows;
}

const menu = (chart) => `[data-chart=${chart}] .chart-menu`;

/** Opens the menu and presses its act, by mouse or by keys. */
async function act(page, chart, no, byKeys) {
  const opener = `${menu(chart)}-open`;
  if (!byKeys) {
    await page.click(opener);
    await page.click(`${menu(chart)} .chart-acts button >> nth=${no}`);
    return;
  }
  await page.focus(opener);
  await page.keyboard.press("Enter");
  await page.waitForSelector(`${menu(chart)} .chart-acts:not([hidden])`);
  for (let i = 0; i <= no; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
}

const kinds = ["", "svg", "png", "csv"];
async function download(page, chart, kind, byKeys) {
  const waiting = page.waitForEvent("download");
  await act(page, chart, kinds.indexOf(kind), byKeys);
  const file = await waiting;
  const bytes = readFileSync(await file.path());
  await page.waitForFunction(
    (selector) => document.activeElement === document.querySelector(selector),
    `${menu(chart)}-open`,
  );
  return { name: file.suggestedFilename(), bytes, text: bytes.toString("utf8") };
}

/** Cells of the visible table. */
const tableOf = (page, chart) =>
  page.$$eval(`[data-chart=${chart}] .chart-table tbody tr`, (rows) =>
    rows.map((row) => [...row.cells].map((cell) => cell.textContent.trim())),
  );

/** A page that is none of ours and lets a text be parsed. */
async function elsewhere(page, act, argument) {
  const blank = await page.context().newPage();
  try {
    return await blank.evaluate(act, argument);
  } finally {
    await blank.close();
  }
}

/** What can be told of a file: whether it is XML, what it refers to, what it says. */
const look = (page, text) =>
  elsewhere(page, (source) => {
    const read = new DOMParser().parseFromString(source, "image/svg+xml");
    const all = [...read.querySelectorAll("*")];
    const attributes = all.flatMap((node) => [...node.attributes].map((one) => [one.name, one.value]));
    return {
      broken: read.querySelector("parsererror")?.textContent ?? "",
      root: read.documentElement.tagName,
      tags: [...new Set(all.map((node) => node.tagName))],
      outside: attributes.filter(
        ([name, value]) =>
          (/href$|^src$/.test(name) && !value.startsWith("#")) ||
          (!name.startsWith("xmlns") && /https?:|\/\/|data:|@import|url\((?!#)/.test(value)),
      ),
      dangling: attributes
        .flatMap(([, value]) => [...value.matchAll(/url\(#([^)]+)\)/g)].map((match) => match[1]))
        .filter((id) => !read.getElementById(id)),
      ofPage: attributes.filter(([name]) => /^(class|style|on|data-|aria-)/.test(name)).length,
      words: all.filter((node) => node.tagName === "text").map((node) => node.textContent).join(""),
      ground: read.documentElement.querySelector("rect").getAttribute("fill"),
      width: Number(read.documentElement.getAttribute("width")),
      height: Number(read.documentElement.getAttribute("height")),
    };
  }, text);

const pixels = (page, bytes) =>
  page.evaluate(async (source) => {
    const image = new Image();
    image.src = `data:image/png;base64,${source}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const [r, g, b] = data;
    let ink = 0;
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) {
      if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) > 30) ink++;
      if (i % 4000 === 0) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    }
    return {
      width: image.width,
      height: image.height,
      ground: [r, g, b],
      share: ink / (image.width * image.height),
      colours: colours.size,
    };
  }, bytes.toString("base64"));

const bare = (text) => text.replace(/\s+/g, "");

/** All that a chart has to keep, whichever it is. `rows`: what the API says, with null for not known; `loose`
 *  rows at the end may go on living between two reads. Returns the files. */
async function inspect(page, chart, rows, { language, byKeys, loose = 0, timed = true }) {
  const where = `${chart}, ${language}${byKeys ? ", by keys" : ""}`;
  const word = unknownWord[language];
  const title = await textOf(page, `[data-chart=${chart}] figcaption :is(h2, h3)`);
  const foot = await textOf(page, `[data-chart=${chart}] .time-line`);
  check(/\d/.test(title) || /未知|not known|没有|no /i.test(title), `${where}: a finding: ${title}`);
  check(!timed || /截至|as of/.test(foot), `${where}: the time of its data: ${foot}`);

  await act(page, chart, 0, byKeys);
  await page.waitForSelector(`[data-chart=${chart}] .chart-table table`);
  same(await page.isVisible(`[data-chart=${chart}] .drawing-of`), false, `${where}: table for drawing`);
  const shown = await tableOf(page, chart);
  same(shown.length, rows.length, `${where}: rows of the table`);
  const plain = (cell) => (typeof cell === "number" ? cell.toLocaleString("en-US", { maximumFractionDigits: 2 }) : cell);
  const firm = rows.slice(0, rows.length - loose);
  for (const [i, row] of firm.entries())
    same(
      shown[i].slice(1, row.length),
      row.slice(1).map((cell) => (cell === null ? word : cell === "" ? "—" : plain(cell))),
      `${where}: row ${i} of the table`,
    );
  await act(page, chart, 0, byKeys);
  await page.waitForSelector(`[data-chart=${chart}] .drawing-of`);

  const csv = await download(page, chart, "csv", byKeys);
  const [head, ...cells] = parseCsv(csv.text);
  check(cells.every((row) => row.length === head.length), `${where}: as many cells in each row`);
  same(cells.length, rows.length, `${where}: rows of the CSV`);
  for (const [i, row] of firm.entries())
    same(
      cells[i].slice(0, row.length),
      row.map((cell) => (cell === null ? word : String(cell))),
      `${where}: row ${i} of the CSV`,
    );
  check(!timed || /^\d{4}-\d\d-\d\d/.test(cells[0].at(-1)), `${where}: the CSV's time: ${cells[0].at(-1)}`);

  const svg = await download(page, chart, "svg", byKeys);
  const seen = await look(page, svg.text);
  same([seen.broken, seen.root, seen.outside, seen.dangling, seen.ofPage], ["", "svg", [], [], 0], `${where}: an SVG that stands alone`);
  check(!seen.tags.some((tag) => /script|style|foreignObject|image/i.test(tag)), `${where}: ${seen.tags}`);
  check(bare(seen.words).includes(bare(title)), `${where}: the title in the SVG: ${seen.words.slice(0, 200)}`);
  check(/来源|Source/.test(seen.words), `${where}: its source`);
  check(!timed || /截至\d{4}|asof\d{4}/.test(bare(seen.words)), `${where}: its time`);
  check(/演示城市|demo city/.test(seen.words), `${where}: a demo city says so`);

  const png = await download(page, chart, "png", byKeys);
  const drawn = await pixels(page, png.bytes);
  same([drawn.width, drawn.height], [seen.width * 2, seen.height * 2], `${where}: pixels of the PNG`);
  check(drawn.width >= 800 && drawn.height >= 300, `${where}: ${JSON.stringify(drawn)}`);
  check(drawn.share > 0.005 && drawn.share < 0.9, `${where}: not blank: ${JSON.stringify(drawn)}`);
  check(drawn.ground[0] < 40 === (language === "en"), `${where}: the ground of the theme: ${drawn.ground}`);

  for (const [kind, { name }] of Object.entries({ csv, svg, png })) {
    check(name.endsWith(`.${kind}`) && !/[\\/:*?"<>|\s]/.test(name), `${where}: file name ${name}`);
    check(!timed || /_\d{8}(-\d{4})?\./.test(name), `${where}: the time in the name ${name}`);
  }
  return { csv, svg, png, cells, seen };
}

/** In Chinese by mouse on light ground, in English by keys on dark. */
const rounds = [
  { language: "zh", theme: "light", byKeys: false },
  { language: "en", theme: "dark", byKeys: true },
];

export function chartTests({ demo, demoData }) {
  async function inside(options, name = "cdc_lead") {
    const opened = await openPage(demo, options);
    await logIn(opened.page, name, (await logins(demo)).get(name));
    return opened;
  }
  const read = (page, path) => page.evaluate(async (from) => (await fetch(from)).json(), path);

  test("Charts of the situation: table, CSV, SVG and PNG say what the API says", async () => {
    for (const round of rounds) {
      const { page, faults, close } = await inside(round);
      await page.waitForSelector("[data-chart=tests] .plot svg");
      const { days, series, reproduction, nowcast } = await read(page, "/api/v1/situation");
      const of = (...lists) => days.map((day, i) => [day, ...lists.map((list) => list[i])]);
      const charts = {
        cases_by_report: of(series.cases_by_report),
        cases_by_sampling: of(
          series.cases_by_sampling,
          ...["median", "low", "high"].map((name) => nowcast.map((one) => one?.[name] ?? "")),
        ),
        reproduction: of(
          ...["mean", "low", "high"].map((name) => reproduction.map((one) => one?.[name] ?? null)),
        ),
        loops: of(series.loops_opened, series.loops_closed, series.loops_overdue),
        scans: of(series.scans, series.scans_week_before),
        tests: of(series.tests, series.tests_week_before),
      };
      check(nowcast.some(Boolean), "the demo city has a nowcast");
      same(
        (await page.$$("[data-chart=cases_by_sampling] .plot .band")).length > 0,
        true,
        "its band is drawn over the cases by onset",
      );
      same(
        (await page.$$("[data-chart=scans] .plot .usual")).length,
        series.scans_week_before.filter((value) => value !== null).length,
        "scans against the own baseline",
      );
      for (const [chart, rows] of Object.entries(charts)) {
        const { seen } = await inspect(page, chart, rows, { ...round, loose: 1 });
        check(/常州市|Changzhou/.test(seen.words), `${chart}: the area`);
        const hatched = await page.$$eval(`[data-chart=${chart}] .plot .missing`, (all) => all.length);
        same(hatched, rows.filter(([, value]) => value === null).length, `${chart}: hatched days`);
      }
      same(faults, [], "faults");
      await close();
    }
  });

  test("Days that are not on record are hatched in the file's drawing, and a word in table and CSV", async () => {
    const { data, known } = plantDays("chart-days");
    command(data, ["user", "add", "duty", "--role", "command", "--area", "320400"], "a-long-password\n");
    const own = await serve(data);
    const { page, close } = await openPage(own);
    await logIn(page, "duty", "a-long-password");
    await page.waitForSelector("[data-chart=scans] .plot svg");
    const { days } = await read(page, "/api/v1/situation");
    const csv = await download(page, "scans", "csv", false);
    const cells = parseCsv(csv.text).slice(1, 14);
    same(
      cells.map((row) => row[1]),
      days.slice(0, 13).map((day) => String(known.get(day) ?? "未知")),
      "the CSV",
    );
    const svg = await download(page, "scans", "svg", false);
    const hatch = await elsewhere(page, (text) => {
      const read = new DOMParser().parseFromString(text, "image/svg+xml");
      return [...read.querySelectorAll("rect[fill^='url(#']")].map((rect) => ({
        pattern: read.getElementById(/#([^)]+)/.exec(rect.getAttribute("fill"))[1])?.tagName,
        lines: read.querySelectorAll("pattern line[stroke]").length,
        high: Number(rect.getAttribute("height")),
      }));
    }, svg.text);
    const missing = days.slice(0, 13).filter((day) => !known.has(day)).length;
    same(hatch.filter((one) => one.high > 200).length, missing, "days hatched over the whole height");
    check(hatch.every((one) => one.pattern === "pattern" && one.lines), "by a pattern in the file");
    check(!svg.text.includes("演示城市"), "a real city is not called a demo");
    await own.stop();
    await close();
  });

  test("The chart of an alert: table, CSV, SVG and PNG say what the API says", async () => {
    for (const round of rounds) {
      const { page, faults, close } = await inside(round);
      await page.goto("/alerts");
      await page.waitForSelector("[data-cause]");
      const { items } = await read(page, "/api/v1/alerts");
      const alert = items.find((item) => item.kind === "signal" && !item.by_rule) ?? items[0];
      await page.goto(`/alerts/${alert.id}`);
      await page.waitForSelector("[data-chart=alert] .plot svg");
      const { series } = await read(page, `/api/v1/alerts/${alert.id}`);
      const rows = series.map(({ day, observed, expected, bound }) => [
        day,
        observed,
        expected ?? "",
        bound ?? "",
      ]);
      await inspect(page, "alert", rows, round);
      same(faults, [], "faults");
      await close();
    }
  });

  test("Lanes of a case: rows are the API's visits, cells are no formula, and no person is in a file", async () => {
    const file = (name, rows) => {
      writeFileSync(join(work, name), rows.map((row) => `${row.join(",")}\n`).join(""));
      return join(work, name);
    };
    const name = `"=HYPERLINK(""x"")|＝店"`;
    for (const [kind, rows] of Object.entries({
      persons: [["person_id", "name", "area"], ["formula", "测试某", "320402001"]],
      venues: [["venue_id", "area", "name", "category"], ["formula", "320402001", name, "shop"]],
      checkins: [
        ["person_id", "venue_id", "time", "mode", "evidence"],
        ["formula", "formula", "2022-04-09T09:00:00+08:00", "staff_scans_person", "attended"],
      ],
      cases: [
        ["case_id", "area", "person_id", "kind", "at", "recorded_at"],
        ["formula", "320402001", "formula", "case", "2022-04-11T08:00:00+08:00", "2022-04-12T14:30:00+08:00"],
      ],
    }))
      same(
        JSON.parse(command(demoData, ["import", kind, file(`formula-${kind}.csv`, rows), "--source", "formula"])).inserted,
        1,
        `rows of ${kind}`,
      );
    for (const round of rounds) {
      const { page, faults, close } = await inside(round);
      await openCases(page);
      const answer = await page.evaluate(async () =>
        (await fetch("/api/v1/cases?limit=200", { headers: { "X-Purpose": "duty:case_review" } })).json(),
      );
      const ids = answer.items.map((item) => item.id).sort((a, b) => b - a);
      let whole = null;
      for (const id of ids.slice(0, 3)) {
        await page.goto(`/cases/${id}`);
        const reading = page.waitForResponse((response) => response.url().endsWith(`/api/v1/cases/${id}`));
        await page.click(".gate button[type=submit]");
        whole = await (await reading).json();
        await page.waitForSelector("[data-chart=lanes] .lanes");
        if (whole.lanes.some((lane) => lane.venue?.startsWith("=HYPER"))) break;
      }
      const visits = whole.lanes.flatMap((lane) => lane.visits.map((visit) => ({ lane, visit })));
      const rows = whole.days.flatMap((day) => {
        const own = visits.filter(({ visit }) => visit.time.startsWith(day));
        return own.length ? own.map(() => [day]) : [[day, null, null, null, null, null, null]];
      });
      same(rows.length, 14, "one visit on one of fourteen days");
      const { cells, csv, svg } = await inspect(page, "lanes", rows, round);
      const at = whole.days.indexOf("2022-04-09");
      const { dwell_p50_minutes: likely, dwell_p90_minutes: longest } = visits[0].visit;
      same(
        [cells[at][1], cells[at][2], ...cells[at].slice(5, 7)],
        ["09:00", `'=HYPERLINK("x")|＝店`, String(likely), String(longest)],
        "the visit, its cell kept from being a formula",
      );
      check(whole.name && !csv.text.includes(whole.name) && !svg.text.includes(whole.name), "no name");
      check(!csv.text.includes("测试某") && !svg.text.includes("测试某"), "no whole name");
      same(faults, [], "faults");
      await close();
    }
  });

  test("The heat table: table, CSV, SVG and PNG say what the API says", async () => {
    for (const round of rounds) {
      const { page, faults, close } = await inside(round);
      await page.goto("/venues");
      await page.waitForSelector(".heat .cell");
      const coverage = await read(page, "/api/v1/venues/coverage");
      const shown = await page.$$eval(".heat tbody th", (heads) => heads.map((head) => head.textContent));
      const cellsOf = coverage.items.length + shown.length;
      await act(page, "coverage", 0, round.byKeys);
      await page.waitForSelector("[data-chart=coverage] .chart-table td");
      const rows = (await tableOf(page, "coverage")).map((row) =>
        row.map((cell, i) =>
          cell === unknownWord[round.language] ? null : i > 1 && /^[\d,]+$/.test(cell) ? Number(cell.replaceAll(",", "")) : cell,
        ),
      );
      await act(page, "coverage", 0, round.byKeys);
      same(rows.length, cellsOf, "a row a cell, and a row a sum");
      const sum = (name) =>
        coverage.items.reduce((all, cell) => (all === null || cell[name] === null ? null : all + cell[name]), 0);
      same(
        rows[0].slice(2, 6),
        ["registered", "in_use", "silent", "suspected"].map(sum),
        "the whole is the sum of the API's cells",
      );
      const word = (row) => row.slice(2, 6).join();
      const served = coverage.items.map((cell) =>
        [cell.registered, cell.in_use, cell.silent, cell.suspected].join(),
      );
      const sums = shown.length;
      const all = rows.map(word);
      for (const one of served) {
        const at = all.indexOf(one);
        check(at >= 0, `a cell of the API is in the table: ${one}`);
        all.splice(at, 1);
      }
      same(all.length, sums, "and nothing else");
      await inspect(page, "coverage", rows, round);
      same(faults, [], "faults");
      await close();
    }
  });

  test("The drawing of a scene: its table is the definition's stages, its files stand alone", async () => {
    for (const round of rounds) {
      const { page, faults, close } = await inside(round);
      await page.goto("/scenes/case_investigation");
      await page.waitForSelector("[data-chart=diagram] .drawing");
      const scene = await read(page, "/api/v1/scenes/case_investigation");
      const rows = scene.stages.map((stage) => [
        stage.title[round.language],
        stage.owner ? stage.owner[round.language] : "",
      ]);
      const { seen } = await inspect(page, "diagram", rows, { ...round, timed: false });
      for (const stage of scene.stages)
        check(bare(seen.words).includes(bare(stage.title.zh)) || bare(seen.words).includes(bare(stage.title.en)), stage.name);
      same(faults, [], "faults");
      await close();
    }
  });

  test("The menu is labelled, leaves by Escape to where it was, and is reached at every width", async () => {
    for (const width of [1920, 1280, 390]) {
      const { page, close } = await inside({ width, height: 900 });
      await page.waitForSelector("[data-chart=scans] .plot svg");
      const openers = await page.$$eval(".chart-menu-open", (all) =>
        all.map((one) => ({
          label: one.getAttribute("aria-label"),
          wide: one.getBoundingClientRect().width,
          high: one.getBoundingClientRect().height,
          seen: getComputedStyle(one).visibility === "visible" && getComputedStyle(one).opacity === "1",
        })),
      );
      check(openers.length >= 6, "a menu a chart");
      same(new Set(openers.map(({ label }) => label)).size, openers.length, "each says of which chart");
      check(openers.every((one) => one.seen && one.wide >= 24 && one.high >= 24), "large enough to touch");
      for (const chart of ["reproduction", "scans"]) {
        await page.focus(`${menu(chart)}-open`);
        await page.keyboard.press("Enter");
        same(await page.getAttribute(`${menu(chart)}-open`, "aria-expanded"), "true", "it says that it is open");
        const inView = await page.$eval(`${menu(chart)} .chart-acts`, (box) => {
          const { left, right } = box.getBoundingClientRect();
          return left >= 0 && right <= document.documentElement.clientWidth;
        });
        check(inView, `${chart} at ${width}: the menu is within the page`);
        same(await textsOf(page, `${menu(chart)} .chart-acts button`), ["表格", "SVG", "PNG", "CSV"], "acts");
        await page.keyboard.press("Tab");
        await page.keyboard.press("Escape");
        same(new URL(page.url()).pathname, "/", "Escape stays on the page");
        same(
          await page.evaluate(() => document.activeElement.className),
          "chart-menu-open",
          "Escape goes back to what opened it",
        );
        same(await page.isVisible(`${menu(chart)} .chart-acts`), false, "closed");
      }
      await act(page, "scans", 0, false);
      same(await pageIsWiderThanView(page), false, `a table at ${width} scrolls the page sideways`);
      await picture(page, `charts-table-${width}`);
      await close();
    }
  });
}
