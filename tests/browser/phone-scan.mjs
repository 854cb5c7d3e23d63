// Scanning a venue: by camera (a clip that the test makes), by picture, by the typed short code; what
// is answered, with whom, and what is said where there is no camera or no answer.
import { join } from "node:path";
import { pictureOf, writeClip } from "./codes.mjs";
import {
  axeFindings,
  check,
  logins,
  openBrowserWithCamera,
  openPage,
  picture,
  residentOf,
  same,
  test,
  textOf,
  work,
} from "./harness.mjs";
import { enter, phone } from "./phone.mjs";

const views = [
  { name: "straight", view: {} },
  { name: "tilted", view: { turn: 0.35, lean: 0.45 } },
  { name: "blurred", view: { blur: 2 } },
  { name: "small, turned and blurred", view: { turn: -0.6, side: 190, blur: 1 } },
];

/** The headers of a manager's session. */
export async function asManager(server) {
  const names = await logins(server);
  const entered = await fetch(`${server.url}/api/v1/sessions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "venue_manager", password: names.get("venue_manager") }),
  });
  // Node 18 has the cookies in one text only
  const cookie = [...entered.headers.get("set-cookie").matchAll(/(?:^|, )([\w-]+=[^;,]*)/g)]
    .map((one) => one[1])
    .join("; ");
  return { cookie };
}

export async function venueCodes(server, no) {
  return server.api(`/api/v1/venues/${no}/code`, await asManager(server));
}

const words = { pass: "通过", check: "人工核验", refuse: "请止步" };

async function sameAsServer(page) {
  const decision = await page.getAttribute(".answer-page", "data-decision");
  same(await textOf(page, ".answer-word"), words[decision], "the word of the decision");
  return decision;
}

export function phoneScanTests({ demo }) {
  for (const { name, view } of views)
    test(`A venue's code is read from the camera: ${name}`, async () => {
      const { token } = await venueCodes(demo, 2);
      const clip = join(work, `${name.replace(/\W+/g, "-")}.y4m`);
      await writeClip(clip, token, view);
      const { browser, end } = await openBrowserWithCamera(clip);
      const { page, faults } = await openPage(demo, { ...phone, browser });
      const asked = [];
      page.on("request", (request) => asked.push(request.url()));
      await enter(page, await residentOf(demo, "green"));
      await page.waitForSelector(".code.green");
      await page.click(".phone-nav a[href='/scan']");
      await page.waitForSelector(".typed");
      /* the camera begins by itself where the page may use it already */
      if (await page.isVisible(".code-source .main"))
        await page.click(".code-source .main", { timeout: 3000 }).catch(() => {});
      await page.waitForSelector(".answer-page");
      await sameAsServer(page);
      check(
        asked.every((address) => address.startsWith(demo.url) || address.startsWith("data:")),
        "nothing from elsewhere",
      );
      same(faults, [], "faults");
      await end();
    });

  test("A venue's code is read from a picture, and typed; red is asked to wait, politely", async () => {
    const { token, short_code: typed } = await venueCodes(demo, 2);
    const { page, faults, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "red"));
    await page.waitForSelector(".code.red");
    await page.goto("/scan");
    await page.waitForSelector(".typed");
    same(await axeFindings(page), [], "axe at the way in");
    await picture(page, "scan-zh");
    await page.setInputFiles("[name=picture]", {
      name: "poster.bmp",
      mimeType: "image/bmp",
      buffer: pictureOf(token, { turn: 0.2, lean: 0.2 }),
    });
    await page.waitForSelector(".answer-page");
    same(await sameAsServer(page), "refuse", "red");
    check((await textOf(page, ".answer")).includes("请在门外等候"), "what comes next");
    const height = await page.$eval(".answer-word", (node) =>
      parseFloat(getComputedStyle(node).fontSize),
    );
    check(height >= 90, `a word that reads at two metres: ${height} px`);
    same(await axeFindings(page), [], "axe at the answer");
    await picture(page, "scan-refuse-zh");
    await page.click(".answer-acts .main");
    await page.fill("[name=typed]", typed.toLowerCase().replace(/-/g, " "));
    await page.click(".typed button");
    await page.waitForSelector(".answer-page");
    same(await sameAsServer(page), "refuse", "typed");
    await page.click(".answer-acts .main");
    await page.fill("[name=typed]", `${typed.slice(0, -3)}${typed.at(-3) === "0" ? "1" : "0"}-0`);
    await page.click(".typed button");
    await page.waitForSelector("[role=alert]");
    check((await textOf(page, "[role=alert]")).includes("输错"), "a mistyped code is said");
    await page.setInputFiles("[name=picture]", {
      name: "wall.bmp",
      mimeType: "image/bmp",
      buffer: pictureOf("https://example.org/menu", {}),
    });
    await page.waitForFunction(() =>
      document.querySelector("[role=alert]")?.textContent.includes("不是场所码"),
    );
    same(faults, [], "faults");
    await close();
  });

  test("A family member comes along; the poster's address opens the page with its code", async () => {
    const { token } = await venueCodes(demo, 2);
    const { page, faults, close } = await openPage(demo, phone);
    const holder = await residentOf(demo, "green");
    const member = await residentOf(demo, "red");
    await enter(page, holder);
    await page.waitForSelector(".code.green");
    await page.click(".family-care summary");
    await page.fill("[name=member]", String(member));
    await page.click(".family-form [type=submit]");
    await page.waitForSelector(".family");
    await page.goto("/scan");
    await page.check(`.companions [value='${member}']`);
    await page.fill("[name=typed]", token);
    await page.click(".typed button");
    await page.waitForSelector(".answer-page");
    const kept = await page.evaluate(async () => {
      const csrf = (await (await fetch("/api/v1/sessions/current")).json()).csrf;
      return csrf.length > 0;
    });
    check(kept, "the session goes on");
    await page.goto(`/scan#${token}`);
    await page.waitForSelector(".answer-page");
    await sameAsServer(page);
    same(new URL(page.url()).hash, "", "the code does not stay in the address");
    await page.goto("/me");
    await page.click(".family-care summary");
    await page.click(".family-care li .button");
    await page.waitForSelector(".family", { state: "detached" });
    same(faults, [], "faults");
    await close();
  });

  test("No answer is a check by hand, never red, and says that nothing was recorded", async () => {
    const { token } = await venueCodes(demo, 2);
    const { page, context, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code.green");
    await page.goto("/scan");
    await page.waitForSelector(".typed");
    await context.route("**/api/v1/scans", (route) => route.abort());
    await page.fill("[name=typed]", token);
    await page.click(".typed button");
    await page.waitForSelector(".answer-page[data-decision=failed]");
    check((await textOf(page, ".answer")).includes("不是红码"), "said in words");
    check((await textOf(page, ".answer-kept")).includes("没有记上"), "nothing was recorded");
    await picture(page, "scan-failed-zh");
    await context.unroute("**/api/v1/scans");
    await page.click(".answer-acts .main"); // the same request, sent again
    await page.waitForSelector(".answer-page:not([data-decision=failed])");
    await sameAsServer(page);
    await close();
  });

  test("Who is asked to come again in a second, as many behind one address are, comes again by itself", async () => {
    const { token } = await venueCodes(demo, 2);
    const { page, context, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code.green");
    await page.goto("/scan");
    await page.waitForSelector(".typed");
    let refused = 0;
    await context.route("**/api/v1/sessions/current", (route) =>
      refused++ < 2
        ? route.fulfill({
            status: 429,
            headers: { "Retry-After": "1", "Content-Type": "application/problem+json" },
            body: JSON.stringify({ type: "/problems/too-many", title: "x", status: 429 }),
          })
        : route.continue(),
    );
    await page.fill("[name=typed]", token);
    await page.click(".typed button");
    await page.waitForSelector(".answer-page");
    check((await sameAsServer(page)) !== "failed", "answered");
    check(refused >= 3, "asked again");
    await close();
  });

  test("A network that fails for a moment is not shown: the same request is sent again by itself", async () => {
    const { token } = await venueCodes(demo, 2);
    const { page, context, faults, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code.green");
    await page.goto("/scan");
    await page.waitForSelector(".typed");
    const keys = [];
    await context.route("**/api/v1/scans", (route) => {
      keys.push(route.request().headers()["idempotency-key"]);
      return keys.length < 3 ? route.abort() : route.continue();
    });
    await page.fill("[name=typed]", token);
    await page.click(".typed button");
    await page.waitForSelector(".answer-page");
    check((await sameAsServer(page)) !== "failed", "answered");
    same(keys.length, 3, "tries");
    same(new Set(keys).size, 1, "one request, however often it is sent");
    same(faults, [], "faults");
    await close();
  });
}
