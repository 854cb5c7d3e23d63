// bench console: what a browser waits for, in headless Chromium against the real binary.
//
//   situation    from the navigation to map, table, charts and counters drawn, logged in, assets cached
//   past         from a key to the situation of the hour before, as the time bar asks for it
//   list         a million open loops: the first rows, rows at a time that is entered in the middle, and
//                frames with a blank row while it is scrolled on, there, from the beginning, and so fast
//                and far that a quarter of the list went by
//   PAGE.cold    first contentful paint of a phone page: 562 ms round trip, 180 kB/s, 4 × CPU, nothing kept
//   PAGE.again   the same once more in the same browser, from the service worker
//   PAGE…own     until the page's own content stands there, which waits for scripts and an answer
// Medians. There is no peer: what must hold stands in its place.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const own = mkdtempSync("/var/tmp/chengmai-console-");
process.env.CHENGMAI_WORK = own;
const { command, endAll, logIn, logins, openBrowser, openPage, residentOf, serve } = await import(
  "./harness.mjs"
);
const { enter, phone } = await import("./phone.mjs");
const { scrollTo, seenFrames, watchFrames } = await import("./lists.mjs");

const seconds = { situation: 1, past: 1, list: 1, cold: 1.5, again: 1 };
/** A phone page, and what stands on it when its own content does. */
const phonePages = [
  { name: "me", drawn: ".code .code-picture" },
  { name: "scan", drawn: ".typed" },
  { name: "staff", drawn: "[name=password]" },
  { name: "public", drawn: ".public-part .reasons" },
];
const slowerBy = 4;
const slow = { latency: 562, downloadThroughput: 180e3, uploadThroughput: 180e3, offline: false };

const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? preset : process.argv[at + 1];
};
const runs = Number(option("runs", 5));
const people = Number(option("people", 50_000));
const city = option("city", "");
const rows = Number(option("rows", 1_000_000));
if (!(rows >= 10_000) || !(runs >= 1) || !(people >= 100)) {
  console.error("usage: bench/console [--people N] [--runs N] [--rows N] [--city DIR]");
  process.exit(2);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function say(name, values, limit) {
  const ours = median(values);
  console.log(
    `${name.padEnd(20)} ${ours.toFixed(3)} s (${Math.min(...values).toFixed(3)}–` +
      `${Math.max(...values).toFixed(3)}), the limit ${limit} s`,
  );
  console.log(
    `RESULT name=console.${name} ours=${ours.toFixed(4)} peer=${limit} ` +
      `ratio=${(limit / ours).toFixed(2)} unit=s`,
  );
}

/** Seconds until the page holds what a reader of the situation looks for, drawn. */
const drawn = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        const look = () => {
          const there =
            document.querySelectorAll(".map [data-code]").length &&
            document.querySelectorAll(".districts tbody tr").length &&
            document.querySelectorAll(".chart .plot svg").length >= 4 &&
            document.querySelectorAll("[data-counter]").length;
          if (!there) requestAnimationFrame(look);
          else requestAnimationFrame(() => done(performance.now() / 1000));
        };
        look();
      }),
  );

async function situations(server) {
  const { page, close } = await openPage(server);
  await logIn(page, "cdc_lead", (await logins(server)).get("cdc_lead"));
  await drawn(page);
  const opened = [];
  const stepped = [];
  for (let i = 0; i < runs; i++) {
    await page.goto("/", { waitUntil: "commit" });
    opened.push(await drawn(page));
  }
  await page.waitForSelector(".time-bar input");
  for (let i = 0; i < runs; i++) {
    const begun = await page.evaluate(() => performance.now() / 1000);
    await page.keyboard.press("ArrowLeft");
    const ended = await page.evaluate(
      () =>
        new Promise((done) => {
          const look = () => {
            const asked = new URL(location.href).searchParams.get("as_of");
            const note = document.querySelector(".past-note");
            const busy = document.querySelector(".situation[aria-busy=true]");
            if (!asked || !note || busy) requestAnimationFrame(look);
            else requestAnimationFrame(() => done(performance.now() / 1000));
          };
          requestAnimationFrame(look);
        }),
    );
    stepped.push(ended - begun);
  }
  await close();
  say("situation", opened, seconds.situation);
  say("past", stepped, seconds.past);
}

// ---- A list of a million rows

const listDrawn = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        const look = () => {
          if (!document.querySelector("#loop-list [role=option]")) requestAnimationFrame(look);
          else requestAnimationFrame(() => done(performance.now() / 1000));
        };
        look();
      }),
  );

/** Scrolls over that many rows and counts the frames in which one was blank. */
async function scrolled(page, words, count, rowsAFrame = 10) {
  await watchFrames(page);
  const reached = await scrollTo(page, count, 58 * rowsAFrame, 300);
  const { frames, blank, waits, deepest } = await seenFrames(page);
  if (!reached) throw new Error(`${words}: row ${count} was not reached, ${deepest} were`);
  console.log(`${words}: ${deepest} rows, ${frames} frames, ${blank} with a blank row, ${waits} at the end of what was read`);
  console.log(`RESULT name=console.list.blank_${words} ours=${blank} peer=0 ratio=1 unit=frames`);
}

async function longList() {
  const data = join(own, "list");
  command(data, ["bench", "lists", "--city", data, "--loops", String(rows)]);
  const server = await serve(data, { still: true });
  const { page, close } = await openPage(server);
  await logIn(page, "command", (await logins(server)).get("command"));
  const opened = [];
  for (let i = 0; i < runs; i++) {
    await page.goto("/loops?list=area", { waitUntil: "commit" });
    opened.push(await listDrawn(page));
  }
  say("list.first", opened, seconds.list);
  await scrolled(page, "beginning", 20_000);
  // The deadlines fill one day: its middle has half of the rows before it.
  const { city_now: now } = await server.api("/api/v1/public/about");
  const entered = [];
  for (let i = 0; i < runs; i++) {
    const begins = new Date(Date.parse(now) + (12 * 60 + 7 * i) * 60_000 + 8 * 3_600_000);
    await page.goto("/loops?list=area");
    await page.waitForSelector("#loop-list [role=option]");
    await page.keyboard.press("g");
    await page.waitForSelector("#loop-from");
    const begun = await page.evaluate(() => performance.now());
    const before = await page.textContent("#loop-list-0");
    await page.fill("#loop-from", begins.toISOString().slice(0, 16));
    await page.waitForFunction(
      (old) => {
        const row = document.getElementById("loop-list-0");
        return row && row.textContent !== old;
      },
      before,
      { polling: "raf" },
    );
    entered.push(((await page.evaluate(() => performance.now())) - begun) / 1000);
  }
  say("list.entered", entered, seconds.list);
  await scrolled(page, "middle", 20_000);
  // On and on, far beyond what a browser can draw in one box.
  await page.goto("/loops?list=area");
  await page.waitForSelector("#loop-list [role=option]");
  await scrolled(page, "deep", Math.floor(rows / 4), 50);
  await close();
  await server.stop();
}

// ---- Phone pages

/** Seconds from the navigation to the first paint with content, and to the page's own content. */
async function visit(page, { name, drawn: selector }) {
  await page.goto(`/${name}`, { waitUntil: "commit" });
  await page.waitForSelector(selector);
  return page.evaluate(() => ({
    own: performance.now() / 1000,
    painted:
      (performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? performance.now()) /
      1000,
  }));
}

async function paints(server, one, cookies) {
  const cold = [];
  const again = [];
  for (let i = 0; i < runs; i++) {
    const { page, context, close } = await openPage(server, phone);
    if (one.name !== "staff") await context.addCookies(cookies);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Network.enable");
    await devtools.send("Network.emulateNetworkConditions", slow);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowerBy });
    cold.push(await visit(page, one));
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: 1 });
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.waitForTimeout(500);
    await page.goto("about:blank");
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowerBy });
    again.push(await visit(page, one));
    await close();
  }
  for (const [when, visits] of Object.entries({ cold, again })) {
    say(`${one.name}.${when}`, visits.map((seen) => seen.painted), seconds[when]);
    const content = median(visits.map((seen) => seen.own));
    console.log(`${`${one.name}.${when}.own`.padEnd(20)} ${content.toFixed(3)} s`);
  }
}

async function phones(server) {
  const holder = await openPage(server, phone);
  await enter(holder.page, await residentOf(server, "green", 300));
  await holder.page.waitForSelector(".code.green");
  const cookies = await holder.context.cookies(`${server.url}/api/v1/me`);
  await holder.close();
  for (const one of phonePages) await paints(server, one, cookies);
}

let failed = 0;
try {
  const data = city || join(own, "city");
  if (!city) command(data, ["init", "--demo", "--people", String(people)]);
  const server = await serve(data, { still: true });
  await openBrowser();
  const load = execFileSync("cat", ["/proc/loadavg"], { encoding: "utf8" }).split(" ")[0];
  console.log(`${city || `${people} people`}, ${runs} runs, load ${load}`);
  await situations(server);
  await phones(server);
  await server.stop();
  await longList();
} catch (reason) {
  console.error(`error: ${reason.stack ?? reason}`);
  failed = 3;
} finally {
  await endAll();
  rmSync(own, { recursive: true, force: true });
}
process.exit(failed);
