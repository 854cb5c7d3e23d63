// bench console: what a browser waits for, in headless Chromium against the real binary.
//
//   situation   from the navigation to map, table, charts and counters drawn, logged in, assets cached
//   past        from a key to the situation of the hour before, as the time bar asks for it
//   PAGE.cold   first contentful paint of a phone page: 562 ms round trip, 180 kB/s, 4 × CPU, nothing cached
//   PAGE.again  the same once more in the same browser
// Medians. There is no peer: what must hold stands in its place. A list of a million rows is not among them
// yet: the demo city has no million loops, and `bench lists` puts them into a city of its own.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const own = mkdtempSync("/var/tmp/chengmai-console-");
process.env.CHENGMAI_WORK = own;
const { command, endAll, logIn, logins, openBrowser, openPage, serve } = await import(
  "./harness.mjs"
);

const seconds = { situation: 1, past: 1, cold: 1.5, again: 1 };
const phonePages = ["/me"];
const slow = { latency: 562, downloadThroughput: 180e3, uploadThroughput: 180e3, offline: false };

const option = (name, preset) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? preset : process.argv[at + 1];
};
const runs = Number(option("runs", 5));
const people = Number(option("people", 50_000));
const city = option("city", "");
if (!(runs >= 1) || !(people >= 100)) {
  console.error("usage: bench/console [--people N] [--runs N] [--city DIR]");
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

const firstPaint = (page) =>
  page.evaluate(
    () =>
      new Promise((done) => {
        new PerformanceObserver((list) => {
          const entry = list.getEntriesByName("first-contentful-paint")[0];
          if (entry) done(entry.startTime / 1000);
        }).observe({ type: "paint", buffered: true });
      }),
  );

async function paints(server, path) {
  const cold = [];
  const again = [];
  for (let i = 0; i < runs; i++) {
    const { page, context, close } = await openPage(server, { width: 390, height: 844 });
    const devtools = await context.newCDPSession(page);
    await devtools.send("Network.enable");
    await devtools.send("Network.emulateNetworkConditions", slow);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    await page.goto(path, { waitUntil: "commit" });
    cold.push(await firstPaint(page));
    await page.goto(path, { waitUntil: "commit" });
    again.push(await firstPaint(page));
    await close();
  }
  const name = path.slice(1) || "root";
  say(`${name}.cold`, cold, seconds.cold);
  say(`${name}.again`, again, seconds.again);
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
  for (const path of phonePages) await paints(server, path);
} catch (reason) {
  console.error(`error: ${reason.stack ?? reason}`);
  failed = 3;
} finally {
  await endAll();
  rmSync(own, { recursive: true, force: true });
}
process.exit(failed);
