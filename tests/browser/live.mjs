// The living desk: one stream for all pages of a browser, a server that goes and comes back, what
// arrives and waits, its tone, and two officers on one loop. A city of its own, which rests: only
// what the tests do happens.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  axeFindings,
  check,
  command,
  freePort,
  logIn,
  logins,
  openPage,
  pageIsWiderThanView,
  picture,
  same,
  serve,
  test,
  textOf,
  work,
} from "./harness.mjs";

const town = "320402001";
const password = "a-long-password";
const data = join(work, "live");
const tabs = 8;
const city = { server: null, port: 0, token: "", no: 0 };

/** The city's server, made and started when it is first needed. */
async function start() {
  if (city.server) return city.server;
  command(data, ["init", "--demo", "--people", "200"]);
  for (const [name, role, area] of [
    ["town_one", "town_duty", town],
    ["town_two", "town_duty", town],
    ["elsewhere", "district_duty", "320481"],
  ])
    command(data, ["user", "add", name, "--role", role, "--area", area], `${password}\n`);
  city.token = command(data, ["user", "token", "town_duty"]).trim();
  city.port = await freePort();
  city.server = await serve(data, { port: city.port, still: true });
  return city.server;
}

/** As a crash would: nothing is said to anybody. */
async function kill() {
  await city.server.stop("SIGKILL");
}

async function startAgain() {
  city.server = await serve(data, { port: city.port, still: true });
}

/** Opens petitions of the town as one who sits elsewhere: each is a notice to its two officers. */
async function openPetitions(server, count) {
  const ids = [];
  for (let i = 0; i < count; i++) {
    const response = await fetch(`${server.url}/api/v1/loops`, {
      method: "POST",
      headers: { Authorization: `Bearer ${city.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        scene: "petition",
        fields: { petition_no: `L-${++city.no}`, place: town, matter: "反映楼道消毒不及时" },
      }),
    });
    const answer = await response.json();
    check(response.status === 201, `a petition is opened: ${JSON.stringify(answer)}`);
    ids.push(answer.id);
  }
  return ids;
}

async function metric(name) {
  const text = await (await fetch(`http://127.0.0.1:${city.port}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? -1);
}

/** Asks until the answer is the expected one. */
async function until(read, expected, words, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let seen;
  do {
    seen = await read();
    if (JSON.stringify(seen) === JSON.stringify(expected)) return;
    await new Promise((done) => setTimeout(done, 100));
  } while (Date.now() < end);
  same(seen, expected, words);
}

const streams = () => metric("chengmai_event_streams");
const bellOf = (page) =>
  page.$eval(".bell .button", (node) => Number(/\d+/.exec(node.textContent) ?? 0));
const tonesOf = async (pages) => {
  const counts = await Promise.all(pages.map((page) => page.evaluate(() => window.tones)));
  return counts.reduce((sum, count) => sum + count, 0);
};
const eachIs = (pages, read, expected, words, seconds) =>
  until(
    () => Promise.all(pages.map((page) => read(page).catch(() => null))),
    pages.map(() => expected),
    words,
    seconds,
  );
const awayOf = (page) => page.$eval(".fresh", (node) => node.classList.contains("away"));

/** Where the first of these stands: it must not move because something arrived. */
const topOf = (page, selector) =>
  page.$eval(selector, (node) => Math.round(node.getBoundingClientRect().top));

/** Counts how often a page asks the browser for sound. */
const countTones = (context) =>
  context.addInitScript(() => {
    window.tones = 0;
    const Real = window.AudioContext;
    window.AudioContext = class extends Real {
      constructor(...all) {
        super(...all);
        window.tones++;
      }
    };
  });

/** A page of a log-in, and further ones at these addresses. */
async function openTabs(server, name, secret, addresses, options = {}) {
  const { page, context, faults, close } = await openPage(server, options);
  if (options.prepare) await options.prepare(context);
  await logIn(page, name, secret);
  const pages = [page];
  for (const address of addresses) {
    const next = await context.newPage();
    next.setDefaultTimeout(60_000);
    next.on("pageerror", (error) => faults.push(`script: ${error.message}`));
    await next.goto(address);
    await next.waitForSelector(".nav");
    pages.push(next);
  }
  return { pages, context, faults, close };
}

export function liveTests() {
  test("Eight tabs share one stream, see the same, catch up after the server was killed, and one of them makes the tone", async () => {
    const server = await start();
    const mine = "/loops?list=me";
    const addresses = [mine, mine, "/loops", "/scenes", "/scenes", "/loops", "/loops"];
    const { pages, faults, close } = await openTabs(server, "town_one", password, addresses, {
      prepare: countTones,
    });
    const [first] = pages;
    await first.goto("/loops?list=me");
    await first.waitForSelector(".nav");
    same(pages.length, tabs, "tabs");
    await eachIs(pages, (page) => page.$eval(".bell", () => true), true, "every tab is in");
    await until(streams, 1, "event streams that the server has open");
    const before = await bellOf(first);
    await openPetitions(server, 1);
    await eachIs(pages, bellOf, before + 1, "unread notices in every tab");
    same(await streams(), 1, "still one stream");
    same(await tonesOf(pages), 0, "tones where nobody wanted them");

    /* the tone: wanted in one tab, made by one tab, whichever that is */
    await first.click("[data-sound]");
    same(await tonesOf(pages), 1, "the switch lets hear what it switches on");
    await new Promise((done) => setTimeout(done, 10_500)); // one tone for all that comes at once
    await openPetitions(server, 1);
    await eachIs(pages, bellOf, before + 2, "the next notice in every tab");
    await until(() => tonesOf(pages), 2, "one more tone in all tabs together");
    await new Promise((done) => setTimeout(done, 2_000));
    same(await tonesOf(pages), 2, "and no second one");

    /* killed; three loops come while the pages cannot know */
    const lists = [pages[0], pages[1], pages[2]];
    await eachIs(
      lists,
      (page) => page.$eval(".waits .news", (node) => node.textContent.trim()),
      "新 2 件 R",
      "what waits in the lists",
    );
    for (const page of lists) await page.click(".waits .news");
    await eachIs(lists, (page) => page.$$eval(".waits .news", (all) => all.length), 0, "taken in");
    const rows = await first.$$eval(".loop-row", (all) => all.length);
    const top = await topOf(first, ".loop-row");
    for (const page of pages) await page.evaluate(() => (window.mark = "the same document"));
    await kill();
    await eachIs(pages, awayOf, true, "every tab says that the server is away");
    await picture(first, "live-away-zh");
    const elsewhere = await serve(data, { still: true });
    await openPetitions(elsewhere, 3);
    await elsewhere.stop();
    await startAgain();
    await eachIs(pages, awayOf, false, "every tab is back by itself");
    await eachIs(pages, bellOf, before + 5, "the notices of meanwhile in every tab");
    await eachIs(
      pages,
      (page) => page.evaluate(() => window.mark),
      "the same document",
      "without a reload",
    );
    await until(streams, 1, "one stream again");
    await eachIs(
      lists,
      (page) => page.$eval(".waits .news", (node) => node.textContent.trim()),
      "新 3 件 R",
      "what came meanwhile waits in a counter",
    );
    same(
      await first.$$eval(".loop-row", (all) => all.length),
      rows,
      "rows that the reader has under the hand",
    );
    same(await topOf(first, ".loop-row"), top, "where the first of them stands");
    await picture(first, "live-arrivals-zh");
    same(await pageIsWiderThanView(first), false, "the page fits");
    same(await axeFindings(first), [], "axe");
    await first.bringToFront();
    await first.keyboard.press("r");
    await until(
      () => first.$$eval(".loop-row", (all) => all.length),
      rows + 3,
      "taken in by a key",
    );

    /* the stream stays with the last tab and goes with it */
    for (const page of pages.slice(1)) await page.close();
    await new Promise((done) => setTimeout(done, 2_500));
    same(await streams(), 1, "seven tabs are closed: the stream stays");
    await openPetitions(city.server, 1);
    await until(() => bellOf(first), before + 6, "and still serves the last tab");
    same(faults, [], "faults");
    await close();
    await until(streams, 0, "no tab, no stream");
  });

  test("The end of a session clears every tab, and who logs in next feeds no tab of another", async () => {
    const server = await start();
    const { pages, faults, close } = await openTabs(
      server,
      "town_one",
      password,
      ["/loops?list=me", "/loops?list=me"],
    );
    const [a, b, c] = pages;
    await until(streams, 1, "one stream");
    await a.click(".top .push > .button:last-child");
    await eachIs(
      pages,
      (page) => page.$eval("[name=password]", () => true),
      true,
      "log-in in every tab",
    );
    same(await b.$$eval(".loop-row", (all) => all.length), 0, "rows left in another tab");
    await until(streams, 0, "the stream has ended");

    await logIn(a, "town_two", password);
    await b.goto("/loops");
    await b.waitForSelector(".who");
    check((await textOf(b, ".who")).includes("town_two"), "the cookie is the browser's");
    await until(streams, 1, "one stream of the next");
    /* a third tab, at the log-in page all the time, takes the browser over */
    await c.fill("[name=name]", "town_one");
    await c.fill("[name=password]", password);
    await c.click("button[type=submit]");
    await eachIs(
      pages,
      async (page) => (await textOf(page, ".who")).includes("town_one"),
      true,
      "every tab is a page of who is logged in now",
    );
    await until(streams, 1, "one stream, of the one who is logged in");
    const bell = await bellOf(c);
    await eachIs(pages, bellOf, bell, "the same notices in every tab");
    same(faults, [], "faults");
    await close();
  });

  test("A tab that answers no more is dropped from the stream, and is live again when it does", async () => {
    const server = await start();
    const { pages, faults, close } = await openTabs(server, "town_one", password, [], {
      prepare: (context) =>
        context.addInitScript(() => {
          const real = MessagePort.prototype.postMessage;
          MessagePort.prototype.postMessage = function (...all) {
            if (!window.mute) real.apply(this, all); // as one that the browser has frozen
          };
        }),
    });
    const [page] = pages;
    await until(streams, 1, "one stream");
    const unread = await page.evaluate(async () =>
      (await (await fetch("/api/v1/notices")).json()).unread);
    await until(() => bellOf(page), unread, "what was there before");
    await page.evaluate(() => (window.mute = true));
    await until(streams, 0, "nobody is there who could read it", 40);
    const before = await bellOf(page);
    await openPetitions(server, 1);
    await page.evaluate(() => {
      window.mute = false;
      dispatchEvent(new Event("focus"));
    });
    await until(streams, 1, "it is followed again");
    await until(() => bellOf(page), before + 1, "with what came meanwhile");
    same(faults, [], "faults");
    await close();
  });

  test("A browser without shared workers has a stream a page, and is live all the same", async () => {
    const server = await start();
    const { pages, faults, close } = await openTabs(
      server,
      "town_one",
      password,
      ["/loops?list=me"],
      {
        prepare: (context) => context.addInitScript(() => delete window.SharedWorker),
      },
    );
    await until(streams, 2, "streams");
    const before = await bellOf(pages[0]);
    await openPetitions(server, 1);
    await eachIs(pages, bellOf, before + 1, "the notice in both");
    same(faults, [], "faults");
    await close();
  });

  test("Two officers on one loop see each other in both languages, through a restart, and the second to act loses no word", async () => {
    const server = await start();
    const [id] = await openPetitions(server, 1);
    const zh = await openPage(server, { width: 1280, height: 900 });
    const en = await openPage(server, { language: "en", width: 1280, height: 900 });
    await logIn(zh.page, "town_one", password);
    await logIn(en.page, "town_two", password);
    await zh.page.goto(`/loops/${id}?list=me`);
    await zh.page.waitForSelector("#next-title");
    same(await zh.page.$$eval("[data-viewers]", (all) => all.length), 0, "nobody else yet");
    await zh.page.click("[data-step=handling] button");
    await zh.page.waitForSelector(".loop .step-form");
    await zh.page.keyboard.press("Control+Enter");
    await zh.page.waitForSelector(".loop .notice.good");
    await en.page.goto(`/loops/${id}?list=me`);
    await zh.page.waitForSelector("[data-viewer=town_two]");
    await en.page.waitForSelector("[data-viewer=town_one]");
    const seenOf = async (page) => await textOf(page, "[data-viewers]");
    check(
      /也打开着：town_two · 镇街值班 · \S+ · \d\d:\d\d 起$/.test(await seenOf(zh.page)),
      await seenOf(zh.page),
    );
    check(
      /Also open:town_one · Town duty officer · .+ · since \d\d:\d\d$/.test(await seenOf(en.page)),
      await seenOf(en.page),
    );

    /* who may not read the loop is told nothing of who has it open */
    const stranger = command(data, ["user", "token", "elsewhere"]).trim();
    const refused = await fetch(`${server.url}/api/v1/loops/${id}/viewers/page-of-mine`, {
      method: "PUT",
      headers: { Authorization: `Bearer ${stranger}`, "Content-Type": "application/json" },
      body: "{}",
    });
    same(refused.status, 404, "a stranger's question");

    /* one writes; the server is killed in the middle of it */
    await en.page.click("[data-step=review] button");
    await en.page.waitForSelector("#step-answer");
    await en.page.fill("#step-answer", "disinfected, and answered in person");
    await en.page.fill("#step-note", "by telephone at noon");
    await until(
      async () => (await seenOf(zh.page)).endsWith("正在填写"),
      true,
      "the other is writing",
    );
    await picture(zh.page, "live-viewers-zh");
    await kill();
    await eachIs([zh.page, en.page], awayOf, true, "both say that the server is away");
    await startAgain();
    await eachIs([zh.page, en.page], awayOf, false, "both are back");
    await until(
      async () => (await seenOf(zh.page)).endsWith("正在填写"),
      true,
      "they see each other again",
    );
    await en.page.waitForSelector("[data-viewer=town_one]");
    same(
      await en.page.inputValue("#step-answer"),
      "disinfected, and answered in person",
      "typed words",
    );

    /* the first to act wins; the second is told, and keeps what was typed */
    await zh.page.click("[data-step=review] button");
    await zh.page.fill("#step-answer", "已加密消毒频次");
    await zh.page.keyboard.press("Control+Enter");
    await zh.page.waitForSelector(".loop .notice.good");
    await en.page.waitForSelector("[data-moved]");
    const moved = await textOf(en.page, "[data-moved]");
    check(
      /town_one, Advanced \(\d\d:\d\d\)/.test(moved) && moved.includes("What you typed is kept"),
      moved,
    );
    await picture(en.page, "live-moved-en");
    same(await axeFindings(en.page), [], "axe, English");
    await en.page.focus("#step-answer");
    await en.page.keyboard.press("Control+Enter");
    await en.page.waitForSelector(".step-form [role=alert]");
    const why = await textOf(en.page, ".step-form [role=alert]");
    check(
      why.startsWith("Somebody was first: the loop has moved on"),
      `the refusal in plain words: ${why}`,
    );
    same(
      await en.page.inputValue("#step-note"),
      "by telephone at noon",
      "typed words after the refusal",
    );
    await en.page.click("[data-moved] button");
    await en.page.waitForSelector("[data-kept]");
    const kept = await textOf(en.page, "[data-kept]");
    check(
      kept.includes("disinfected, and answered in person") && kept.includes("by telephone at noon"),
      `what was typed is still there: ${kept}`,
    );
    same(await en.page.$$eval("[data-moved]", (all) => all.length), 0, "the new state is taken");
    await picture(en.page, "live-kept-en");
    await en.page.setViewportSize({ width: 390, height: 844 });
    same(await pageIsWiderThanView(en.page), false, "it fits a phone");
    await picture(en.page, "live-kept-390-en");
    await zh.page.setViewportSize({ width: 390, height: 844 });
    await picture(zh.page, "live-viewers-390-zh");

    /* who leaves is gone at once, and after the log-out too */
    await en.page.keyboard.press("Escape");
    await until(
      () => zh.page.$$eval("[data-viewer]", (all) => all.length),
      0,
      "the other has left",
      5,
    );
    await until(() => metric("chengmai_loop_views"), 1, "pages that have a loop open");
    await en.page.goto(`/loops/${id}?list=me`);
    await zh.page.waitForSelector("[data-viewer=town_two]");
    await en.close();
    await until(
      () => zh.page.$$eval("[data-viewer]", (all) => all.length),
      0,
      "the other's browser is gone",
      40,
    );
    same([...zh.faults, ...en.faults], [], "faults");
    await zh.close();
  });

  test("What could not be read is read again by itself when the server is back; of a write nobody knows", async () => {
    const server = await start();
    const [id] = await openPetitions(server, 1);
    const secret = (await logins(server)).get("command_duty");
    const left = {
      "/alerts": ".desk-head h1",
      "/loops": ".loop-side .list, .loop-side .empty",
      "/venues": ".venues-head",
      "/scenes": ".loops.scenes .scene-row",
      "/rules": "main [role=listbox]",
      "/system": "main h1",
    };
    const addresses = Object.keys(left);
    const begin = [...addresses.map(() => "/cases"), `/loops/${id}`];
    const { pages, faults, close } = await openTabs(server, "command_duty", secret, begin, {
      width: 1440,
      height: 900,
    });
    const [past, ...others] = pages;
    const act = others.pop();
    await past.waitForSelector(".time-bar");
    await act.click(".take summary");
    await act.fill("#take-note", "演练");
    for (const page of pages) await page.evaluate(() => (window.mark = "the same document"));
    await kill();
    await eachIs(pages, awayOf, true, "every tab says that the server is away");
    for (const [i, page] of others.entries()) await page.click(`.nav a[href="${addresses[i]}"]`);
    await past.keyboard.press("ArrowLeft");
    await act.click("text=作为未办成结束");
    const notRead = (page) =>
      page.$$eval("main [role=alert]", (all) =>
        all.some((one) => one.textContent.includes("连不上服务器。没有读到数据")),
      );
    await eachIs([past, ...others], notRead, true, "what was left for cannot be read");
    check(
      (await textOf(act, "main [role=alert]")).includes("不知道这一步办成没有"),
      await textOf(act, "main [role=alert]"),
    );
    check((await textOf(past, ".past-note b")).endsWith("还没有读到"), "of the hour nothing is said");
    same(await past.$$eval(".lede, .situation", (all) => all.length), 0, "today's figures are not its");
    await picture(past, "live-past-unread-zh");
    await picture(act, "live-write-unanswered-zh");
    await startAgain();
    await eachIs(pages, awayOf, false, "every tab is back by itself");
    await eachIs([past, ...others], notRead, false, "and has read what it could not");
    for (const [i, page] of others.entries())
      await page.waitForSelector(left[addresses[i]], { timeout: 10_000 });
    await past.waitForSelector(".lede");
    check((await textOf(past, ".past-note b")).startsWith("你在看"), "the hour is there");
    await eachIs(
      pages,
      (page) => page.evaluate(() => window.mark),
      "the same document",
      "without a reload",
    );
    same(faults, [], "faults");
    await close();
  });

  test("What needs you now waits in a counter when it is new, and no row moves", async () => {
    const server = await start();
    const { page, faults, close } = await openPage(server, { language: "en" });
    await logIn(page, "cdc_lead", (await logins(server)).get("cdc_lead"));
    await page.waitForSelector("[data-need]");
    await page.evaluate(async () => {
      // the night is judged soon after the city is served
      while (!(await (await fetch("/api/v1/alerts")).json()).items.length)
        await new Promise((done) => setTimeout(done, 200));
    });
    await page.route("**/api/v1/alerts?*", async (route) => {
      await new Promise((done) => setTimeout(done, 1500)); // the last of the first answers
      await route.continue();
    });
    await page.reload();
    await page.waitForSelector("[data-need^=alert-], .needs .waits .news");
    same(
      await page.$$eval(".needs .waits .news", (all) => all.length),
      0,
      "the last of the first answers is not new",
    );
    await page.unroute("**/api/v1/alerts?*");
    const needs = () => page.$$eval("[data-need]", (all) => all.map((one) => one.dataset.need));
    const before = await needs();
    const top = await topOf(page, "[data-need]");
    const free = ["320402", "320404", "320411", "320412", "320413", "320481"].find(
      (code) => !before.includes(`cases-${code}`),
    );
    check(free, `a district without cases: ${before}`);
    const put = (kind, head, row) => {
      const file = join(work, `live-${kind}.csv`);
      writeFileSync(file, `${head}\n${row}\n`);
      const report = JSON.parse(command(data, ["import", kind, file, "--source", "live"]));
      same(report.inserted, 1, `${kind}: ${JSON.stringify(report)}`);
    };
    put("persons", "person_id,name,area", `new,测试人,${free}001`);
    put(
      "cases",
      "case_id,area,person_id,kind,at,recorded_at",
      `new,${free}001,new,case,2022-04-14T08:00:00+08:00,2022-04-14T14:00:00+08:00`,
    );
    await page.waitForSelector(".needs .waits .news");
    const counter = await textOf(page, ".needs .waits .news");
    check(/^1 new/.test(counter), `the counter: ${counter}`);
    same(await needs(), before, "the rows as they were");
    same(await topOf(page, "[data-need]"), top, "where the first of them stands");
    await picture(page, "live-needs-en");
    same(await axeFindings(page), [], "axe");
    await page.keyboard.press("r");
    await until(async () => (await needs()).includes(`cases-${free}`), true, "taken in by a key");
    same(
      await page.$$eval(".needs .waits .news", (all) => all.length),
      0,
      "nothing waits any more",
    );
    same(faults, [], "faults");
    await close();
    await city.server.stop();
  });
}
