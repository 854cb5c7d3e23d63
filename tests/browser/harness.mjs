// What the tests share: TAP, cities, servers, pages. A server is the real binary on a free port;
// whatever is started here is ended here.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

export const binary = process.env.CHENGMAI_BINARY;
export const work = process.env.CHENGMAI_WORK;
const pictures = process.env.CHENGMAI_PICTURES;

// ---- TAP

const tests = [];
/** A test; its name is a sentence. */
export const test = (name, run) => tests.push({ name, run });

export class Skip extends Error {}

export function check(condition, words) {
  if (!condition) throw new Error(words);
}

export function same(seen, expected, words) {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${words}: seen ${a}, expected ${b}`);
}

/** What the pages showed when a test failed: their words, and a picture each. */
async function sayOpenPages(no) {
  for (const page of [...opened].flatMap((context) => context.pages())) {
    try {
      const words = await page.evaluate(() => document.body.innerText);
      console.log(`# ${page.url()} shows: ${words.replace(/\s+/g, " ").slice(0, 300)}`);
      await picture(page, `failed-${no}`);
    } catch (reason) {
      console.log(`# ${page.url()} does not answer: ${reason.message.split("\n")[0]}`);
    }
  }
}

export async function runAll() {
  let failed = 0;
  const only = process.env.CHENGMAI_TEST;
  const chosen = only ? tests.filter((one) => one.name.includes(only)) : tests;
  console.log(`1..${chosen.length}`);
  for (const [i, { name, run }] of chosen.entries()) {
    const begun = performance.now();
    try {
      await run();
      console.log(`ok ${i + 1} - ${name}`);
      console.log(`# ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    } catch (reason) {
      if (reason instanceof Skip) {
        console.log(`ok ${i + 1} - ${name} # SKIP ${reason.message}`);
        continue;
      }
      failed++;
      console.log(`not ok ${i + 1} - ${name}`);
      for (const line of String(reason.stack ?? reason)
        .split("\n")
        .slice(0, 12))
        console.log(`# ${line}`);
      await sayOpenPages(i + 1);
    }
    for (const context of opened) await context.close().catch(() => {});
    opened.clear();
  }
  return failed;
}

// ---- Cities and servers

/** Runs the binary on a data directory; input is its standard input. */
export function command(data, words, input = "") {
  return execFileSync(binary, ["--data", data, ...words], {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "pipe"],
  });
}

const running = new Set();

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export async function serve(data, { port = 0, still = false, tls = false } = {}) {
  const words = [
    "--data",
    data,
    "serve",
    "--listen",
    `127.0.0.1:${port}`,
    ...(still ? ["--still"] : []),
    ...(tls ? ["--tls"] : []),
  ];
  const log = openSync(join(work, "server.log"), "a");
  const child = spawn(binary, words, { stdio: ["ignore", "pipe", log] });
  closeSync(log);
  running.add(child);
  const url = await new Promise((done, fail) => {
    let text = "";
    child.stdout.on("data", (part) => {
      text += part;
      const line = /^listening (\S+)\n/.exec(text);
      if (line) done(line[1]);
    });
    child.on("exit", (code) => fail(new Error(`the server ended with ${code}`)));
  });
  return {
    url,
    async stop(signal = "SIGTERM") {
      if (!running.delete(child)) return;
      const ended = new Promise((done) => child.once("exit", done));
      child.kill(signal);
      await ended;
    },
    api: async (path, headers = {}) => (await fetch(url + path, { headers })).json(),
  };
}

export async function endAll() {
  await browser?.close();
  for (const own of further) await own.close();
  for (const child of running) child.kill("SIGKILL");
}

/** The log-ins of a demo city: name to password. */
export async function logins(server) {
  const about = await server.api("/api/v1/public/about");
  return new Map(about.demo_logins.map((login) => [login.name, login.password]));
}

const residents = new Map(); // by server and colour: from whom on one looks

/** The number of a resident whose code has that colour, asked as the resident. */
export async function residentOf(server, color, most = 3000) {
  const kind = `${server.url} ${color}`;
  for (let no = residents.get(kind) ?? 1; no <= most; no++) {
    const entered = await fetch(`${server.url}/api/v1/sessions`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ provider: "stub", person_no: no }),
    });
    if (entered.status === 429) {
      await new Promise((done) => setTimeout(done, 1100)); // all tests come from one address
      no--;
      continue;
    }
    if (!entered.ok) continue;
    const { session } = await entered.json();
    const me = await server.api("/api/v1/me", { Authorization: `Bearer ${session}` });
    if (me.status !== "known" || me.color !== color) continue;
    residents.set(kind, no);
    return no;
  }
  throw new Error(`nobody is ${color} among ${most}`);
}

// ---- Pages

let browser;
const further = new Set(); // browsers with switches of their own
const opened = new Set(); // contexts of the test that runs; what it leaves open is closed after it

const launch = (switches) =>
  chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...switches,
    ],
  });

export async function openBrowser() {
  browser = await launch([]);
}

/** A browser for one test, with switches of its own. */
export async function openBrowserWith(...switches) {
  const own = await launch(switches);
  further.add(own);
  return {
    browser: own,
    async end() {
      further.delete(own);
      await own.close();
    },
  };
}

/** Its camera sees a clip (.y4m), again and again. */
export const openBrowserWithCamera = (clip) =>
  openBrowserWith(
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-video-capture=${clip}`,
  );

/** A page of its own; `faults` collects script errors, refused content and console errors. */
export async function openPage(server, options = {}) {
  const { width = 1920, height = 1080, language = "zh", theme = "light", zoom = 1 } = options;
  const context = await (options.browser ?? browser).newContext({
    baseURL: server.url,
    viewport: { width: Math.round(width / zoom), height: Math.round(height / zoom) },
    deviceScaleFactor: zoom,
    timezoneId: "America/New_York", // times must be the city's, whatever the reader's machine says
    locale: "en-GB",
  });
  opened.add(context);
  context.on("close", () => opened.delete(context));
  await context.addInitScript(
    ([chosenLanguage, chosenTheme]) => {
      if (!localStorage.getItem("chengmai.settings"))
        localStorage.setItem(
          "chengmai.settings",
          JSON.stringify({ language: chosenLanguage, theme: chosenTheme }),
        );
    },
    [language, theme],
  );
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults = [];
  page.on("request", (request) => {
    const address = request.url();
    if (!address.startsWith(`${server.url}/`) && !/^(data|blob|about):/.test(address))
      faults.push(`from elsewhere: ${address}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    if (
      message.type() === "error" &&
      !/status of 40[13]|Failed to load resource|ERR_/.test(message.text())
    )
      faults.push(`console: ${message.text()}`);
  });
  return { page, context, faults, close: () => context.close() };
}

export async function logIn(page, name, password) {
  await page.goto("/");
  await page.fill("[name=name]", name);
  await page.fill("[name=password]", password);
  await page.click("button[type=submit]");
  await page.waitForSelector(".nav");
}

/** Through the gate of the list, and through that of a case. */
export async function openCases(page) {
  await page.goto("/cases");
  await page.check(".gate input[value='duty:case_review']");
  await page.click(".gate button[type=submit]");
  await page.waitForSelector("#case-list .row");
}

export async function openCase(page, id) {
  await page.goto(`/cases/${id}`);
  await page.click(".gate button[type=submit]");
  await page.waitForSelector(".lanes");
}

export const picture = (page, name) =>
  page.screenshot({ path: join(pictures, `${name}.png`), fullPage: false });

/** Serious and critical findings of axe-core, as lines. */
export async function axeFindings(page) {
  await page.evaluate(axe.source);
  const result = await page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      resultTypes: ["violations"],
    }),
  );
  return result.violations
    .filter((finding) => finding.impact === "serious" || finding.impact === "critical")
    .map(
      (finding) =>
        `${finding.id} at ${finding.nodes
          .slice(0, 3)
          .map((node) => node.target.join(" "))
          .join(", ")}`,
    );
}

export const textOf = async (page, selector) =>
  (await page.textContent(selector)).replace(/\s+/g, " ").trim();
export const textsOf = async (page, selector) =>
  await page.$$eval(selector, (nodes) =>
    nodes.map((node) => node.textContent.replace(/\s+/g, " ").trim()),
  );
export const pageIsWiderThanView = (page) =>
  page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1,
  );
