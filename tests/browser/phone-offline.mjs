// The service worker: a repeated visit from the cache, the code without network with its age, no answer
// of the API kept, a new release that takes over; and how large the pages are.
import { createServer, request as ask } from "node:http";
import { gzipSync } from "node:zlib";
import { check, openPage, picture, residentOf, same, test, textOf } from "./harness.mjs";
import { enter, phone } from "./phone.mjs";

const pages = ["me", "scan", "staff", "public"];
const scriptBytesMax = 60_000;
const decoderBytesMax = 50_000;

const taken = (page) =>
  page.waitForFunction(() => navigator.serviceWorker.controller !== null, null, {
    timeout: 20_000,
  });

/** A proxy in front of the server that can serve another release: `change(path, text)`. */
async function proxyOf(server, change) {
  const target = new URL(server.url);
  const proxy = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, host: target.host, "accept-encoding": "identity" };
    delete headers["if-none-match"]; // what is changed here keeps its tag
    const passed = ask(
      { host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers },
      (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => {
          const body = Buffer.concat(parts);
          const { "content-length": _, ...kept } = answer.headers;
          outgoing.writeHead(answer.statusCode, kept);
          outgoing.end(change(incoming.url, body));
        });
      },
    );
    incoming.pipe(passed);
  });
  await new Promise((done) => proxy.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    end: () => new Promise((done) => (proxy.closeAllConnections(), proxy.close(done))),
  };
}

export function phoneOfflineTests({ demo }) {
  test("Without network the code page opens from the cache, shows the last code and says how old it is", async () => {
    const { page, context, faults, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code.green");
    await taken(page);
    await page.reload();
    await page.waitForSelector(".code.green");
    await context.setOffline(true);
    await page.reload();
    await page.waitForSelector(".code.unknown .signed");
    same(await page.getAttribute(".signed", "data-stage"), "fresh", "still good");
    check(await page.isVisible(".code-picture path"), "the code");
    check(/上次查到：.+绿码（\d+ 秒前）/.test(await textOf(page, ".last-known")), "how old");
    check(await page.isVisible("[role=alert]"), "says that the server does not answer");
    await picture(page, "me-offline-zh");
    await page.clock.install();
    await page.clock.fastForward(90_000);
    await page.waitForSelector(".signed[data-stage=late]");
    check((await textOf(page, ".code-age")).includes("还可用到"), "its grace");
    await page.clock.fastForward(60_000);
    await page.waitForSelector(".signed[data-stage=expired]");
    same(await page.isVisible(".code-picture path"), false, "an expired code is not shown");
    check((await textOf(page, ".code-age")).includes("会被拒绝"), "and says why");
    await picture(page, "me-expired-zh");
    same(faults, [], "faults");
    await context.setOffline(false);
    await close();
  });

  test("After the log-out nothing of the code stays on the phone", async () => {
    const { page, context, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code.green");
    await taken(page);
    await page.click(".me-out");
    await page.waitForSelector(".stub-form");
    same(await page.evaluate(() => localStorage.getItem("chengmai.own-code")), null, "storage");
    await context.setOffline(true);
    await page.reload();
    await page.waitForSelector("main");
    await page.waitForTimeout(500);
    same(await page.isVisible(".code-picture"), false, "no code");
    await context.setOffline(false);
    await close();
  });

  test("The service worker keeps pages and scripts only: no answer of the API", async () => {
    const { page, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code.green");
    await taken(page);
    const kept = await page.evaluate(async () => {
      const paths = [];
      for (const name of await caches.keys())
        for (const one of await (await caches.open(name)).keys())
          paths.push(new URL(one.url).pathname);
      return paths;
    });
    check(kept.includes("/me") && kept.includes("/scan"), `the pages: ${kept}`);
    same(
      kept.filter((path) => !/^\/(me|scan|staff|public|icon\.svg|assets\/[\w-]+\.js)$/.test(path)),
      [],
      "nothing else",
    );
    await close();
  });

  test("A new release replaces the one that is kept", async () => {
    let release = "";
    const proxy = await proxyOf(demo, (path, body) =>
      path === "/phone-worker.js" && release
        ? body.toString().replace(/const release = "[^"]*"/, `const release = "${release}"`)
        : path === "/public" && release
          ? body.toString().replace("<title>", `<title>${release} `)
          : body,
    );
    const { page, close } = await openPage(proxy, phone);
    await page.goto("/public");
    await taken(page);
    await page.reload();
    same((await page.title()).startsWith("next"), false, "the first release");
    release = "next";
    await page.reload(); // from the cache; the next one is fetched meanwhile
    let kept = "";
    for (let tries = 0; kept !== "chengmai-phone-next" && tries < 100; tries++) {
      await page.waitForTimeout(200);
      kept = await page.evaluate(async () => (await caches.keys()).join()).catch(() => "");
    }
    same(kept, "chengmai-phone-next", "the kept release");
    await page.reload();
    check((await page.title()).startsWith("next"), "the next release");
    await close();
    await proxy.end();
  });

  test("A repeated visit comes from the cache within a second", async () => {
    const { page, close } = await openPage(demo, phone);
    await page.goto("/public");
    await taken(page);
    await page.reload();
    const from = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((one) => one.name.includes("/assets/"))
        .map((one) => one.transferSize),
    );
    check(from.length > 0 && from.every((bytes) => bytes === 0), `bytes from the network: ${from}`);
    await close();
  });

  test("Each phone page carries at most 60 kB of script, compressed, and the decoder 50 kB by itself", async () => {
    const sizes = {};
    for (const name of pages) {
      const html = await (await fetch(`${demo.url}/${name}`)).text();
      const scripts = new Set(
        [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((match) => match[1]),
      );
      check(scripts.size >= 1, `scripts of ${name}`);
      let bytes = 0;
      for (const script of scripts)
        bytes += gzipSync(Buffer.from(await (await fetch(demo.url + script)).arrayBuffer())).length;
      sizes[name] = bytes;
      check(bytes <= scriptBytesMax, `${name}: ${bytes} bytes`);
      check(!html.includes("decoder-"), `${name} does not load the decoder by itself`);
    }
    const worker = await (await fetch(`${demo.url}/phone-worker.js`)).text();
    const decoder = /\/assets\/decoder-[^"]+\.js/.exec(worker)[0];
    const content = Buffer.from(await (await fetch(demo.url + decoder)).arrayBuffer());
    sizes.decoder = gzipSync(content).length;
    check(sizes.decoder <= decoderBytesMax, `decoder: ${sizes.decoder} bytes`);
    const sent = await fetch(demo.url + decoder, { headers: { "Accept-Encoding": "gzip" } });
    same(sent.headers.get("content-encoding"), "gzip", "sent compressed");
    console.log(`# compressed bytes of script: ${JSON.stringify(sizes)}`);
  });
}
