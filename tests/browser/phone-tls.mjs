// Over plain http there is no camera; `serve --tls` gives a phone one, with a certificate of its own
// making. The phone is a name that the browser takes to this machine: an address of this machine itself
// would count as secure in any case.
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { writeClip } from "./codes.mjs";
import {
  check,
  command,
  openBrowserWith,
  openPage,
  picture,
  residentOf,
  same,
  serve,
  test,
  textOf,
  work,
} from "./harness.mjs";
import { enter, phone } from "./phone.mjs";
import { venueCodes } from "./phone-scan.mjs";

const elsewhere = "--host-resolver-rules=MAP phone.test 127.0.0.1";
const asPhone = (server) => ({ url: server.url.replace("127.0.0.1", "phone.test") });

const health = (url, ca) =>
  new Promise((done, fail) => {
    const asked = request(`${url}/healthz`, { ca, agent: false }, (answer) => {
      answer.resume();
      answer.on("end", () => done(answer.statusCode));
    });
    asked.on("error", fail);
    asked.end();
  });

export function phoneTlsTests() {
  const data = join(work, "tls");
  const certificate = join(data, "trial-certificate.pem");

  function city() {
    if (!existsSync(data)) command(data, ["init", "--demo", "--people", "300"]);
  }

  test("Over plain http the scan page has no camera, says why, and takes pictures and typed codes", async () => {
    city();
    const plain = await serve(data, { still: true });
    const { short_code: typed } = await venueCodes(plain, 1);
    const { browser, end } = await openBrowserWith(elsewhere);
    const { page, faults } = await openPage(asPhone(plain), { ...phone, browser });
    await enter(page, await residentOf(plain, "green", 300));
    await page.waitForSelector(".code.green");
    same(await page.evaluate(() => isSecureContext), false, "this is plain http");
    await page.goto("/scan");
    await page.waitForSelector(".camera-none");
    check((await textOf(page, ".camera-none")).includes("https"), "says why");
    check(await page.isVisible(".picture-way"), "a picture");
    await picture(page, "scan-insecure-zh");
    await page.fill("[name=typed]", typed);
    await page.click(".typed button");
    await page.waitForSelector(".answer-page:not([data-decision=failed])");
    // the browser says itself that isolation is for secure contexts
    same(faults.filter((one) => !one.includes("Opener-Policy")), [], "faults");
    await end();
    await plain.stop();
  });

  test("serve --tls makes its certificate once, for itself alone, and says that it is for trials", async () => {
    city();
    let own = await serve(data, { still: true, tls: true });
    check(own.url.startsWith("https://127.0.0.1:"), own.url);
    const made = readFileSync(certificate);
    same(await health(own.url, made), 200, "good for who trusts it");
    check(
      await health(own.url).then(
        () => false,
        () => true,
      ),
      "not good for who does not",
    );
    for (const name of ["trial-key.pem", "trial-certificate.pem"])
      same(statSync(join(data, name)).mode & 0o777, 0o600, `mode of ${name}`);
    check(readFileSync(join(work, "server.log"), "utf8").includes("not for production"), "said");
    await own.stop();
    own = await serve(data, { still: true, tls: true });
    same(readFileSync(certificate).equals(made), true, "kept");
    await own.stop();
    const refused = (words) => {
      try {
        command(data, ["serve", "--tls", ...words]);
        return 0;
      } catch (reason) {
        return reason.status;
      }
    };
    same(refused(["--listen", `unix:${join(work, "tls.sock")}`]), 2, "no TLS on a Unix socket");
    same(refused(["--proxy", "127.0.0.1"]), 2, "no TLS behind a proxy");
  });

  test("With it, trusted, a phone has its camera and its service worker", async () => {
    city();
    const own = await serve(data, { still: true, tls: true });
    const token = command(data, ["venue", "token", "1"]).split(/\s+/)[0];
    const clip = join(work, "tls.y4m");
    await writeClip(clip, token, {});
    const key = new X509Certificate(readFileSync(certificate)).publicKey;
    const mark = createHash("sha256").update(key.export({ type: "spki", format: "der" }));
    const { browser, end } = await openBrowserWith(
      elsewhere,
      `--ignore-certificate-errors-spki-list=${mark.digest("base64")}`, // as put on the phone
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-video-capture=${clip}`,
    );
    const { page, faults } = await openPage(asPhone(own), { ...phone, browser });
    await enter(page, 1);
    await page.waitForSelector(".code");
    same(await page.evaluate(() => isSecureContext), true, "encrypted");
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.goto("/scan");
    await page.waitForSelector(".typed");
    /* the camera begins by itself where the page may use it already */
    if (await page.isVisible(".code-source .main"))
      await page.click(".code-source .main", { timeout: 3000 }).catch(() => {});
    await page.waitForSelector(".answer-page:not([data-decision=failed])");
    same(faults, [], "faults");
    await end();
    await own.stop();
  });
}
