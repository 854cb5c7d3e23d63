// How soon a phone page stands, on a bad network and a cheap phone: 562 ms a round trip, 180 kB/s, a
// quarter of this machine's speed, set through the browser's own protocol. First visit (nothing kept)
// and repeated visit (from the service worker); medians. Figures for reading, no test: bench/paint.
import { join } from "node:path";
import { command, endAll, openBrowser, openPage, residentOf, serve, work } from "./harness.mjs";
import { enter, phone } from "./phone.mjs";

const rounds = Number(process.env.ROUNDS ?? 5);
const network = { offline: false, latency: 562, downloadThroughput: 180_000, uploadThroughput: 180_000 };
const slowerBy = 4;
const limits = { first: 1500, repeated: 1000 };

/** A page, and what stands on it when its own content does. */
const pages = [
  { name: "me", drawn: ".code .code-picture" },
  { name: "scan", drawn: ".typed" },
  { name: "staff", drawn: "[name=password]" },
  { name: "public", drawn: ".public-part .reasons" },
];

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function slow(page) {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Network.enable");
  await protocol.send("Network.emulateNetworkConditions", network);
  await protocol.send("Emulation.setCPUThrottlingRate", { rate: slowerBy });
  return protocol;
}

/** Milliseconds from the navigation to the first paint with content, and to the page's own content. */
async function visit(page, { name, drawn }) {
  await page.goto(`/${name}`, { waitUntil: "commit" });
  await page.waitForSelector(drawn);
  return page.evaluate(() => ({
    drawn: Math.round(performance.now()),
    painted: Math.round(
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? performance.now(),
    ),
  }));
}

async function measure(server, one, cookies) {
  const { page, context, close } = await openPage(server, phone);
  if (one.name !== "staff") await context.addCookies(cookies);
  const protocol = await slow(page);
  const first = await visit(page, one);
  await protocol.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.waitForTimeout(500);
  await page.goto("about:blank");
  await protocol.send("Emulation.setCPUThrottlingRate", { rate: slowerBy });
  const repeated = await visit(page, one);
  await close();
  return { first, repeated };
}

let failed = 1;
try {
  const data = join(work, "paint");
  command(data, ["init", "--demo", "--people", "300"]);
  const server = await serve(data, { still: true });
  await openBrowser();
  const holder = await openPage(server, phone);
  await enter(holder.page, await residentOf(server, "green", 300));
  await holder.page.waitForSelector(".code.green");
  const cookies = await holder.context.cookies(`${server.url}/api/v1/me`);
  await holder.close();
  console.log(`${network.latency} ms, ${network.downloadThroughput / 1000} kB/s, CPU / ${slowerBy}, median of ${rounds}`);
  console.log("page     first paint  own content  | repeated: paint  own content  (ms)");
  const results = [];
  for (const one of pages) {
    const seen = [];
    for (let i = 0; i < rounds; i++) seen.push(await measure(server, one, cookies));
    const of = (visit, what) => median(seen.map((round) => round[visit][what]));
    console.log(
      one.name.padEnd(9) +
        [of("first", "painted"), of("first", "drawn")].map((n) => String(n).padStart(11)).join("  ") +
        "  |" +
        [of("repeated", "painted"), of("repeated", "drawn")]
          .map((n) => String(n).padStart(15))
          .join(""),
    );
    for (const when of ["first", "repeated"]) {
      const ours = of(when, "painted");
      results.push(
        `RESULT name=paint.${one.name}_${when} ours=${ours} peer=${limits[when]} ` +
          `ratio=${(limits[when] / ours).toFixed(2)} unit=ms`,
      );
    }
  }
  console.log(results.join("\n"));
  await server.stop();
  failed = 0;
} finally {
  await endAll();
}
process.exit(failed);
