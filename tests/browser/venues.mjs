// Venues: the table of coverage and its doors, the list, a venue with its code, a sheet with its
// rejects. One suspicion is real: three residents scan two far posters within a minute.
import { join } from "node:path";
import {
  axeFindings,
  check,
  command,
  logIn,
  logins,
  openPage,
  serve,
  work,
  pageIsWiderThanView,
  picture,
  same,
  test,
  textOf,
  textsOf,
} from "./harness.mjs";

async function inside(server, name, options = {}) {
  const opened = await openPage(server, options);
  await logIn(opened.page, name, (await logins(server)).get(name));
  return opened;
}

async function openVenues(page, query = "") {
  await page.goto(`/venues${query}`);
  await page.waitForSelector(".heat .cell");
  await page.waitForSelector("#venue-list .row, .venue-list .empty, .venue");
}

/** Until the board of the server has read the days: use is known then. */
async function waitForUse(server, token) {
  for (let tries = 0; tries < 120; tries++) {
    const coverage = await server.api("/api/v1/venues/coverage", {
      Authorization: `Bearer ${token}`,
    });
    if (coverage.use_known) return coverage;
    await new Promise((done) => setTimeout(done, 500));
  }
  throw new Error("the use of venues did not become known");
}

/** The longest task of a page's main thread in a trace, in milliseconds of that thread's own time: what
 * else the machine does meanwhile is not counted. */
function longestTask(trace) {
  const events = JSON.parse(trace.toString()).traceEvents;
  const mains = new Set(
    events
      .filter((one) => one.name === "thread_name" && one.args.name === "CrRendererMain")
      .map((one) => `${one.pid} ${one.tid}`),
  );
  const spans = events
    .filter((one) => one.name.endsWith("RunTask") && mains.has(`${one.pid} ${one.tid}`))
    .map((one) => one.tdur ?? 0);
  return Math.max(0, ...spans) / 1000;
}

async function holderSession(server, no) {
  const entered = await fetch(`${server.url}/api/v1/sessions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ provider: "stub", person_no: no }),
  });
  return entered.ok ? (await entered.json()).session : null;
}

/** Three residents scan the posters of two places that nobody reaches in a minute. */
async function copyCode(server, token) {
  const authorization = { Authorization: `Bearer ${token}` };
  const points = await server.api("/api/v1/venues/points", authorization);
  const places = points.numbers.map((no, i) => ({
    no,
    x: points.longitudes[i],
    y: points.latitudes[i],
  }));
  const home = places[0];
  const away = places.reduce((far, place) =>
    Math.hypot(place.x - home.x, place.y - home.y) > Math.hypot(far.x - home.x, far.y - home.y)
      ? place
      : far,
  );
  const codes = await Promise.all(
    [home, away].map((place) => server.api(`/api/v1/venues/${place.no}/code`, authorization)),
  );
  let scanned = 0;
  for (let no = 1; no < 200 && scanned < 3; no++) {
    const session = await holderSession(server, no);
    if (!session) continue;
    for (const code of codes) {
      const answer = await fetch(`${server.url}/api/v1/scans`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${session}` },
        body: JSON.stringify({ venue_token: code.token, holder: { session }, direction: "in" }),
      });
      check(answer.ok, `a scan is taken: ${answer.status}`);
    }
    scanned++;
  }
  same(scanned, 3, "residents who scanned");
  return away.no;
}

export function venueTests({ demo, demoData, empty, emptyPassword }) {
  const token = () => command(demoData, ["user", "token", "administrator"]).trim();

  test("Coverage says what share is in use, and every cell is a door to the list behind it", async () => {
    const coverage = await waitForUse(demo, token());
    const { page, faults, close } = await inside(demo, "cdc_lead");
    await page.click(".nav a[href='/venues']");
    await page.waitForSelector(".heat .cell");
    const registered = coverage.items.reduce((sum, cell) => sum + cell.registered, 0);
    check(
      (await textOf(page, ".venues-head h1")).startsWith(
        `${registered.toLocaleString("en-US")} 处场所`,
      ),
      await textOf(page, ".venues-head h1"),
    );
    same(
      (await textsOf(page, ".heat tbody tr")).length,
      new Set(coverage.items.map((cell) => cell.category)).size + 1,
      "a row a category, and one for all",
    );
    await page.waitForSelector("#venue-list .row");
    await picture(page, "venues-zh");
    const cell = coverage.items.find((one) => one.registered > 1);
    await page.click(`.heat a[href*='area=${cell.area}'][href*='category=${cell.category}']`);
    await page.waitForURL(/category=/);
    await page.waitForFunction(
      (count) =>
        document.querySelector("#venue-list [role=option]")?.getAttribute("aria-setsize") === count,
      String(cell.registered),
    );
    await page.click(".venue-list [data-state=silent]");
    await page.waitForURL(/state=silent/);
    await page.waitForFunction(
      (count) =>
        (document.querySelector("#venue-list [role=option]")?.getAttribute("aria-setsize") ??
          (document.querySelector(".venue-list .empty") ? "0" : "")) === count,
      String(cell.silent),
    );
    await page.click(".heat thead a");
    await page.waitForURL(/of=3204/);
    await page.waitForFunction(() => document.querySelectorAll(".heat thead a").length > 4);
    await picture(page, "venues-district-zh");
    same(faults, [], "faults");
    await close();
  });

  test("By keys alone: into the table, along it, to the list, a venue, and back to the same row", async () => {
    await waitForUse(demo, token());
    const { page, faults, close } = await inside(demo, "cdc_lead");
    await openVenues(page);
    await page.focus(".heat .cell[tabindex='0']");
    for (const key of ["ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
    const focused = await page.evaluate(() => document.activeElement.dataset.cell);
    check(/^[1-9]\d* [1-9]\d*$/.test(focused), `arrows moved to ${focused}`);
    same(await page.$$eval(".heat .cell[tabindex='0']", (cells) => cells.length), 1, "one stop");
    await page.keyboard.press("Enter");
    await page.waitForURL(/category=/);
    await page.waitForSelector("#venue-list .row");
    await page.goto("/venues");
    await page.waitForSelector("#venue-list .row");
    await page.focus("#venue-list");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const name = await textOf(page, "#venue-list .row[aria-selected=true] b");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".venue-head h1");
    same(await textOf(page, ".venue-head h1"), name, "the chosen row opens");
    await page.waitForSelector(".venue .plot svg");
    await page.waitForFunction(() => document.activeElement?.id === "venue-back");
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/venues$/);
    await page.waitForFunction(() => document.activeElement?.id === "venue-list");
    same(await textOf(page, "#venue-list .row[aria-selected=true] b"), name, "the same row");
    await page.keyboard.press("/");
    await page.keyboard.type("超市");
    await page.waitForURL(/name=/);
    await page.waitForFunction(() =>
      [...document.querySelectorAll("#venue-list .row b")].every((row) =>
        row.textContent.includes("超市"),
      ),
    );
    same(faults, [], "faults");
    await close();
  });

  test("A copied code is suspected with its reason; its end needs the words, gives a new code, and answers it", async () => {
    const bearer = token();
    const no = await copyCode(demo, bearer);
    let suspected = false;
    for (let tries = 0; tries < 100 && !suspected; tries++) {
      await new Promise((done) => setTimeout(done, 1000));
      const venue = await demo.api(`/api/v1/venues/${no}`, { Authorization: `Bearer ${bearer}` });
      suspected = venue.suspected;
    }
    check(suspected, "the venue is suspected within the minute");
    const { page, faults, close } = await inside(demo, "administrator");
    await openVenues(page, "?state=suspected");
    await page.waitForSelector(`#venue-list .row .state.late`);
    await picture(page, "venues-suspected-zh");
    await page.goto(`/venues/${no}`);
    await page.waitForSelector(".suspicions li");
    check((await textOf(page, ".suspicions li")).includes("来不及从上一处赶到"), "why");
    check((await textOf(page, ".suspicions li")).includes("现用码"), "of the present code");
    const before = await textOf(page, ".short-code");
    check(/^[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z*~$=]$/.test(before), before);
    await page.click("#revoke-open");
    await page.waitForSelector("#revoke-word");
    check(await page.isDisabled(".revoke .danger"), "not without the words");
    await page.fill("#revoke-word", "作废");
    check(await page.isDisabled(".revoke .danger"), "not with half of them");
    await picture(page, "venue-revoke-zh");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#revoke-word", { state: "detached" });
    await page.waitForFunction(() => document.activeElement?.id === "revoke-open");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#revoke-word");
    await page.fill("#revoke-word", `作废 ${no}`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".venue .notice.good");
    check((await textOf(page, ".short-code")) !== before, "another short code");
    await page.waitForFunction(() =>
      document.querySelector(".suspicions li")?.textContent.includes("已作废"),
    );
    await picture(page, "venue-revoked-zh");
    same(faults, [], "faults");
    await close();
  });

  test("Who manages no code is shown none, and loops about a venue are doors to them", async () => {
    const { page, faults, close } = await inside(demo, "command_duty", { language: "en" });
    const opened = await page.evaluate(async () => {
      const session = await (await fetch("/api/v1/sessions/current")).json();
      const answer = await fetch("/api/v1/loops", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrf },
        body: JSON.stringify({ scene: "venue_copied_code", subject: 2, fields: {} }),
      });
      return answer.status;
    });
    check(opened === 201 || opened === 200, `a loop is opened: ${opened}`);
    await page.goto("/venues/2");
    await page.waitForSelector("section[aria-labelledby=venue-loops-title] a");
    check((await page.$(".short-code")) === null && (await page.$("#revoke-open")) === null, "no code");
    await picture(page, "venue-en");
    await page.click("section[aria-labelledby=venue-loops-title] a");
    await page.waitForURL(/\/loops\/\d+/);
    same(faults, [], "faults");
    await close();
  });

  test("A sheet is tried, registered, and what it gives back stands row by row", async () => {
    const { page, faults, close } = await inside(demo, "cdc_lead");
    await openVenues(page);
    await page.click(".venue-doors .button");
    await page.waitForSelector("#venue-sheet");
    check(await page.isDisabled(".venue .button.main"), "nothing to send yet");
    const sheet = {
      name: "venues.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(
        "venue_id,name,area,category\nb1,浏览器药店,320402,pharmacy\nb2,月亮店,320402,moon\nb3,,320402,shop\n",
      ),
    };
    await page.setInputFiles("#venue-sheet", sheet);
    await page.focus("#venue-source");
    await page.keyboard.press("Enter"); /* tries it */
    await page.waitForSelector(".venue .notice[role=status]");
    check((await textOf(page, ".venue .notice[role=status]")).includes("什么都没有保存"), "a trial");
    same(await textsOf(page, ".rejects tbody th"), ["2", "3"], "rows that would come back");
    await page.click(".venue .button.main");
    await page.waitForFunction(() =>
      document.querySelector(".venue .notice[role=status]")?.textContent.includes("已登记"),
    );
    same(await textOf(page, "[data-count=importInserted] dd"), "1", "new");
    same(await textOf(page, "[data-count=importRejected] dd"), "2", "came back");
    same(await textsOf(page, ".rejects tbody tr:first-child td.bad"), ["moon"], "the bad field");
    await picture(page, "venues-import-zh");
    await page.setInputFiles("#venue-sheet", { ...sheet, buffer: Buffer.from("name\nx\n") });
    await page.click(".venue .button.main");
    await page.waitForSelector(".venue .notice.bad");
    check((await textOf(page, ".venue .notice.bad")).includes("venue_id"), "the column is named");
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/venues$/);
    await page.goto("/venues?name=" + encodeURIComponent("浏览器药店"));
    await page.waitForSelector("#venue-list .row");
    same(faults, [], "faults");
    await close();
  });

  test("A city without scans or venues says that nothing is known, in hatches and words", async () => {
    const { page, faults, close } = await openPage(empty, { language: "en" });
    await logIn(page, "duty", emptyPassword);
    await page.goto("/venues");
    await page.waitForSelector(".venues-head h1");
    same(await textOf(page, ".venues-head h1"), "No venue is registered in your area yet", "words");
    same(faults, [], "faults");
    await close();
  });

  test("100,000 venues on the map: at most 500 symbols, and no task above 100 ms while it is dragged", async () => {
    const data = join(work, "many");
    command(data, ["init"]);
    command(data, ["user", "add", "duty", "--role", "command", "--area", "320400"], "a-long-password\n");
    const rows = ["venue_id,name,area,category,lat,lon"];
    for (let i = 0; i < 100_000; i++) {
      const angle = i * 2.399963; /* a sunflower: even, and the same each time */
      const reach = Math.sqrt(i / 100_000);
      const lat = 31.6 + 0.4 * reach * Math.sin(angle);
      const lon = 119.68 + 0.47 * reach * Math.cos(angle);
      rows.push(`m${i},点${i},320402,shop,${lat.toFixed(5)},${lon.toFixed(5)}`);
    }
    command(data, ["import", "venues", "-"], rows.join("\n"));
    const many = await serve(data);
    const { page, faults, close } = await openPage(many);
    await logIn(page, "duty", "a-long-password");
    await page.waitForSelector(".map");
    await page.evaluate(() => {
      window.most = 0;
      const look = () => {
        window.most = Math.max(window.most, Number(document.querySelector(".map-signs")?.dataset.symbols ?? 0));
        requestAnimationFrame(look);
      };
      look();
    });
    const browser = page.context().browser();
    await browser.startTracing(page, { categories: ["toplevel"] });
    await page.selectOption("#map-layer", "all");
    await page.waitForFunction(
      () => document.querySelector(".map-signs").dataset.venues === "100000",
    ); /* every venue stands in some symbol */
    check((await textOf(page, ".layer-words")).includes("100,000"), "all of them are counted");
    await picture(page, "map-venues");
    const box = await (await page.$(".map")).boundingBox();
    for (let zoom = 0; zoom < 3; zoom++) {
      await page.click(".map-tools [role=group]:last-child button:first-child");
      await page.waitForTimeout(300);
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      for (let step = 0; step < 60; step++)
        await page.mouse.move(
          box.x + box.width / 2 + 200 * Math.sin(step / 6),
          box.y + box.height / 2 + 150 * Math.cos(step / 5),
        );
      await page.mouse.up();
    }
    await page.waitForTimeout(300);
    await picture(page, "map-venues-near");
    const most = await page.evaluate(() => window.most);
    const longest = longestTask(await browser.stopTracing());
    console.log(`# longest task of the page's thread ${longest.toFixed(1)} ms, most symbols ${most}`);
    check(most > 100 && most <= 500, `symbols: ${most}`);
    check(longest > 0 && longest < 100, `longest task: ${longest} ms`);
    /* the same by keys, and a single one is a door */
    await page.focus(".map g[role=button]");
    const boxes = () => page.getAttribute(".map", "viewBox");
    const before = await boxes();
    await page.keyboard.press("Shift+ArrowRight");
    check((await boxes()) !== before, "Shift and an arrow move the view");
    await page.keyboard.press("0");
    same(await boxes(), "0 0 760 620", "0 shows the whole map");
    await page.keyboard.press("+");
    check((await boxes()).endsWith(" 380 310"), "+ looks nearer");
    same(faults, [], "faults");
    await close();
    await many.stop();
  });

  for (const [language, theme] of [
    ["zh", "dark"],
    ["en", "light"],
  ])
    test(`Venues fit 1920, 1280 and 960 pixels and a phone, and axe finds nothing serious: ${language}, ${theme}`, async () => {
      await waitForUse(demo, token());
      const found = [];
      for (const width of [1920, 1280, 960, 390]) {
        const { page, faults, close } = await inside(demo, "administrator", {
          language,
          theme,
          width,
          height: width === 390 ? 844 : 1080,
        });
        for (const [name, address] of [
          ["venues", "/venues"],
          ["venue", "/venues/1"],
          ["venues-import", "/venues/import"],
        ]) {
          await page.goto(address);
          await page.waitForSelector(
            name === "venues" ? "#venue-list .row" : name === "venue" ? ".venue .plot svg" : "#venue-sheet",
          );
          await page.waitForTimeout(150);
          if (await pageIsWiderThanView(page)) found.push(`${address} at ${width} scrolls sideways`);
          found.push(...(await axeFindings(page)).map((one) => `${address} ${width}: ${one}`));
          await picture(page, `${name}-${width}-${language}-${theme}`);
        }
        found.push(...faults);
        await close();
      }
      same(found, [], "findings");
    });
}
