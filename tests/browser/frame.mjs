// Log-in, log-out, language, theme, what a role may open, and what the server says of its pages.
import {
  check,
  logIn,
  logins,
  openPage,
  picture,
  same,
  test,
  textOf,
  textsOf,
} from "./harness.mjs";

export function frameTests({ demo }) {
  test("The log-in page offers the demo accounts, says that they are a stub, and refuses a wrong password", async () => {
    const { page, faults, close } = await openPage(demo);
    await page.goto("/");
    await page.waitForSelector(".stub");
    check((await textOf(page, ".stub h2")).includes("替身"), "the demo accounts are called a stub");
    const offered = await page.$$eval("[data-login]", (nodes) =>
      nodes.map((node) => node.dataset.login),
    );
    same(offered.sort(), [...(await logins(demo)).keys()].sort(), "the accounts on offer");
    await picture(page, "login");
    await page.fill("[name=name]", "cdc_lead");
    await page.fill("[name=password]", "wrong");
    await page.click("button[type=submit]");
    await page.waitForSelector("[role=alert]");
    check((await textOf(page, "[role=alert]")).includes("不对"), "the refusal in words");
    await page.waitForFunction(() => document.activeElement?.name === "password");
    const typed = await page.evaluate(() => {
      const { name, value, selectionStart, selectionEnd } = document.activeElement;
      const told = document.activeElement.getAttribute("aria-describedby");
      const chosen = value?.slice(selectionStart, selectionEnd);
      return { name, chosen, told: document.getElementById(told)?.role ?? null };
    });
    same(typed, { name: "password", chosen: "wrong", told: "alert" }, "where one types again");
    same(await page.isVisible(".nav"), false, "nothing of the inside is shown");
    same(faults, [], "faults");
    await close();
  });

  test("An officer logs in, looks round and logs out with the keyboard alone", async () => {
    const { page, faults, close } = await openPage(demo, { language: "en" });
    await page.goto("/");
    await page.waitForSelector("[data-login=cdc_lead]");
    const tabTo = async (selector, most = 80) => {
      for (let i = 0; i < most; i++) {
        if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector))
          return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`Tab does not reach ${selector}`);
    };
    await tabTo("[data-login=cdc_lead]");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter"); // the focus went to the button that logs in
    await page.waitForSelector(".map");
    await tabTo(".map [role=button]");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\?area=3204/);
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => url.search === "");
    await tabTo(".chart .plot");
    await page.keyboard.press("ArrowLeft");
    check((await textOf(page, ".chart .readout")).length > 5, "the chart reads a day by keys");
    await page.evaluate(() => document.activeElement.blur());
    await tabTo(".top .push > .button");
    await page.keyboard.press("Enter");
    await page.waitForSelector("form [name=password]");
    const status = await page.evaluate(async () => (await fetch("/api/v1/situation")).status);
    same(status, 401, "the session has really ended");
    same(faults, [], "faults");
    await close();
  });

  test("Language and theme change at once and stay after a reload", async () => {
    const { page, close } = await openPage(demo);
    await logIn(page, "cdc_lead", (await logins(demo)).get("cdc_lead"));
    await page.waitForSelector(".map");
    same(
      await textsOf(page, ".nav a"),
      ["态势", "预警", "闭环", "流调", "场所", "档案", "场景", "规则", "系统"],
      "Chinese pages",
    );
    await page.click(".switch button[lang=en]");
    same(
      await textsOf(page, ".nav a"),
      ["Situation", "Alerts", "Loops", "Cases", "Venues", "People", "Scenes", "Rules", "System"],
      "English pages",
    );
    await page.click(".switch:not([role]) button");
    const state = () =>
      page.evaluate(() => ({
        lang: document.documentElement.lang,
        theme: document.documentElement.dataset.theme,
        ground: getComputedStyle(document.body).backgroundColor,
      }));
    same(
      await state(),
      { lang: "en", theme: "dark", ground: "rgb(14, 18, 21)" },
      "dark and English",
    );
    await page.reload();
    await page.waitForSelector(".map");
    same(
      await state(),
      { lang: "en", theme: "dark", ground: "rgb(14, 18, 21)" },
      "after the reload",
    );
    const left = await page.evaluate(() => {
      const seen = document.body.innerText.replace(/中\n/g, "");
      return seen.match(/[\u4e00-\u9fff]+/g) ?? [];
    });
    same(left, [], "Chinese words left on the English situation page");
    await close();
  });

  test("A role without cases gets no door to them, and is told so where it goes on its own", async () => {
    const { page, close } = await openPage(demo);
    await logIn(page, "press", (await logins(demo)).get("press"));
    await page.waitForSelector(".map");
    same(await textsOf(page, ".nav a"), ["态势"], "pages of the press office");
    same(await page.$$eval("main a[href^='/cases']", (nodes) => nodes.length), 0, "doors to cases");
    await page.goto("/cases");
    await page.waitForSelector("[role=alert]");
    check((await textOf(page, "[role=alert]")).includes("没有这项权限"), "the refusal in words");
    await close();
  });

  test("Pages come with a content security policy, hashed assets that never change, and nothing inline", async () => {
    const response = await fetch(`${demo.url}/`);
    const html = await response.text();
    const policy = response.headers.get("content-security-policy");
    check(
      policy.includes("default-src 'self'") &&
        policy.includes("script-src 'self'") &&
        policy.includes("worker-src 'self'") &&
        policy.includes("object-src 'none'"),
      `policy: ${policy}`,
    );
    check(!policy.includes("unsafe"), "the policy allows nothing unsafe");
    same(response.headers.get("x-content-type-options"), "nosniff", "sniffing");
    same(response.headers.get("cache-control"), "no-cache", "the document is asked for anew");
    check(
      !/<script(?![^>]*src=)/.test(html) && !/<style/.test(html) && !/ on\w+=/.test(html),
      "nothing inline",
    );
    const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1]);
    check(assets.length >= 3, "assets of the document");
    for (const asset of assets) {
      const one = await fetch(demo.url + asset);
      same(one.headers.get("cache-control"), "public, max-age=31536000, immutable", asset);
      const type = asset.endsWith(".css")
        ? "text/css; charset=utf-8"
        : "text/javascript; charset=utf-8";
      same(one.headers.get("content-type"), type, asset);
    }
    for (const path of ["/cases", "/cases/1", "/loops", "/loops/1", "/login"])
      same(await (await fetch(demo.url + path)).text(), html, `the document at ${path}`);
    for (const path of [
      "/casesx",
    "/loopsx",
      "/assets/none.js",
      "/index.htm",
      "/../policies/roles.yaml",
      "/%2e%2e/policies/roles.yaml",
    ])
      same((await fetch(demo.url + path)).status, 404, path);
  });
}
