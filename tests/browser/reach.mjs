// What everybody must be able to do: accessibility in both languages and themes, other widths, and
// a server that goes away.
import { join } from "node:path";
import {
  axeFindings,
  check,
  command,
  freePort,
  logIn,
  logins,
  openCase,
  openCases,
  openPage,
  pageIsWiderThanView,
  picture,
  residentOf,
  same,
  serve,
  test,
  textOf,
  work,
} from "./harness.mjs";

export function reachTests({ demo, empty, emptyPassword }) {
  const screens = [
    { name: "log-in", open: async (page) => page.waitForSelector(".stub"), out: true },
    { name: "situation", open: async (page) => page.waitForSelector(".chart .plot svg") },
    {
      name: "a district",
      open: async (page) => {
        await page.goto("/?area=320412");
        await page.waitForSelector(".chart .plot svg");
      },
    },
    {
      name: "loop list",
      open: async (page) => {
        await page.goto("/loops");
        await page.waitForSelector(".loop-side .list, .loop-side .empty");
      },
    },
    {
      name: "alert desk",
      open: async (page) => {
        await page.goto("/alerts");
        await page.waitForSelector(".desk-head h1");
      },
    },
    {
      name: "an alert",
      open: async (page) => {
        await page.goto("/alerts/1");
        await page.waitForSelector(".alert-pane");
      },
    },
    {
      name: "venues",
      open: async (page) => {
        await page.goto("/venues");
        await page.waitForSelector("#venue-list .row");
      },
    },
    {
      name: "gate",
      open: async (page) => {
        await page.goto("/cases");
        await page.waitForSelector(".gate");
      },
    },
    { name: "case list", open: openCases },
    {
      name: "person list",
      open: async (page) => {
        await page.goto("/people");
        await page.waitForSelector(".gate fieldset");
        await page.check(".gate input[value='duty:case_review']");
        await page.click(".gate button[type=submit]");
        await page.waitForSelector("#person-list .row");
      },
    },
    {
      name: "dossier",
      open: async (page) => {
        await page.goto("/people/1");
        await page.waitForSelector(".gate fieldset");
        await page.check(".gate input[value='duty:case_review']");
        await page.click(".gate button[type=submit]");
        await page.waitForSelector(".pieces td, .dossier");
        await page.click(".identity button");
        await page.waitForSelector("[data-identity]");
      },
    },
    {
      name: "unit list",
      open: async (page) => {
        await page.goto("/people/units");
        await page.waitForSelector("#unit-list .row");
      },
    },
    {
      name: "unit",
      open: async (page) => {
        await page.goto("/people/units/1");
        await page.waitForSelector("[data-people]");
      },
    },
    {
      name: "case",
      open: async (page) => {
        await openCase(page, 1);
        await page.waitForSelector("#exposed-list .row");
        await page.waitForSelector(".chain [data-row]");
        await page.waitForSelector(".tree [role=treeitem]");
        await page.waitForSelector("#notices-title");
        await page.focus("#exposed-list");
        await page.keyboard.press("Enter");
        await page.waitForSelector(".places li");
      },
    },
    {
      name: "scene catalogue",
      open: async (page) => {
        await page.goto("/scenes");
        await page.waitForSelector("#scene-list .row");
      },
    },
    {
      name: "scene",
      open: async (page) => {
        await page.goto("/scenes/arrival");
        await page.waitForSelector(".scene svg.drawing");
        await page.click(".scene details summary");
        await page.waitForSelector(".document h4");
      },
    },
    {
      name: "rules",
      open: async (page) => {
        await page.goto("/rules");
        await page.waitForSelector(".compare tbody tr");
      },
    },
    {
      name: "broken glass",
      open: async (page) => {
        await page.goto("/system");
        await page.waitForSelector(".tab h1");
      },
    },
  ];
  /** What other roles are shown. */
  const parts = [
    ["administrator", "users", "#user-list .row"],
    ["administrator", "users?user=sampler", ".user h2"],
    ["administrator", "retention", ".tab table"],
    ["administrator", "sunset", ".tab h1"],
    ["administrator", "health", ".tab h1"],
    ["auditor", "audit", ".head-facts"],
    ["auditor", "jobs", ".tab h1"],
  ];
  for (const language of ["zh", "en"])
    for (const theme of ["light", "dark"])
      test(`axe finds nothing serious on any screen: ${language}, ${theme}`, async () => {
        const found = [];
        for (const width of theme === "light" ? [1920, 960] : [1920]) {
          const { page, faults, close } = await openPage(demo, {
            language,
            theme,
            width,
            height: 1080,
          });
          await page.goto("/");
          for (const screen of screens) {
            if (!screen.out && !(await page.$(".nav")))
              await logIn(page, "cdc_lead", (await logins(demo)).get("cdc_lead"));
            await screen.open(page);
            await page.waitForTimeout(150);
            found.push(
              ...(await axeFindings(page)).map((finding) => `${screen.name} ${width}: ${finding}`),
            );
            if (width === 1920)
              await picture(page, `${screen.name.replace(/ /g, "-")}-${language}-${theme}`);
          }
          found.push(...faults);
          await close();
        }
        const phone = await openPage(demo, { language, theme, width: 390, height: 844 });
        await phone.page.goto("/me");
        await phone.page.waitForSelector(".stub-form");
        found.push(
          ...(await axeFindings(phone.page)).map((finding) => `my code, entrance: ${finding}`),
        );
        for (const no of [await residentOf(demo, "red"), await residentOf(demo, "green")]) {
          await phone.page.fill("[name=subject]", String(no));
          await phone.page.click("button[type=submit]");
          await phone.page.waitForSelector(".code");
          found.push(
            ...(await axeFindings(phone.page)).map((finding) => `my code of ${no}: ${finding}`),
          );
          await phone.page.click(".me-out");
          await phone.page.waitForSelector(".stub-form");
        }
        for (const [path, there] of [
          ["/scan", ".stub-form"],
          ["/public", ".audit-head"],
          ["/staff", "[name=password]"],
        ]) {
          await phone.page.goto(path);
          await phone.page.waitForSelector(there);
          found.push(
            ...(await axeFindings(phone.page)).map((finding) => `phone ${path}: ${finding}`),
          );
          if (await pageIsWiderThanView(phone.page)) found.push(`phone ${path} scrolls sideways`);
        }
        await phone.close();
        for (const name of ["administrator", "auditor"]) {
          const system = await openPage(demo, { language, theme });
          await logIn(system.page, name, (await logins(demo)).get(name));
          for (const [, part, shown] of parts.filter(([role]) => role === name)) {
            await system.page.goto(`/system/${part}`);
            await system.page.waitForSelector(shown);
            await system.page.waitForTimeout(150);
            found.push(...(await axeFindings(system.page)).map((finding) => `system ${part}: ${finding}`));
            await picture(system.page, `system-${part.replace(/\W/g, "-")}-${language}-${theme}`);
          }
          found.push(...system.faults);
          await system.close();
        }
        const nothing = await openPage(empty, { language, theme });
        await logIn(nothing.page, "duty", emptyPassword);
        await nothing.page.waitForSelector(".chart .plot svg");
        found.push(...(await axeFindings(nothing.page)).map((finding) => `empty city: ${finding}`));
        await nothing.close();
        same(found, [], "findings");
      });

  test("The case page fits 1920, 1366 and 960 pixels, 200 % zoom and a phone; its chart scrolls in its own box", async () => {
    for (const view of [
      { width: 1920 },
      { width: 1366 },
      { width: 960 },
      { width: 1920, zoom: 2 },
      { width: 390 },
    ]) {
      const { page, close } = await openPage(demo, { height: 1080, ...view });
      await logIn(page, "cdc_lead", (await logins(demo)).get("cdc_lead"));
      await openCases(page);
      same(
        await pageIsWiderThanView(page),
        false,
        `list at ${JSON.stringify(view)} scrolls sideways`,
      );
      await openCase(page, 1);
      await page.waitForSelector("#exposed-list .row");
      same(
        await pageIsWiderThanView(page),
        false,
        `case at ${JSON.stringify(view)} scrolls sideways`,
      );
      const small = await page.$$eval(".lanes text", (nodes) =>
        Math.min(
          ...nodes.map(
            (node) => parseFloat(getComputedStyle(node).fontSize) * node.getScreenCTM().a,
          ),
        ),
      );
      check(small >= 11.4, `smallest text of the lanes at ${JSON.stringify(view)}: ${small}`);
      await picture(page, `case-${view.width}${view.zoom ? "-zoom" : ""}`);
      await close();
    }
  });

  test("A server that goes away is said to be away, with the time the data stand at, and comes back by itself", async () => {
    const data = join(work, "away");
    command(data, ["init", "--demo", "--people", "300"]);
    const port = await freePort();
    const own = await serve(data, { port });
    const { page, close } = await openPage(own);
    await logIn(page, "cdc_lead", (await logins(own)).get("cdc_lead"));
    await page.waitForFunction(() =>
      document.querySelector(".fresh")?.textContent.startsWith("实时"),
    );
    const figures = () =>
      page.$$eval(".districts tbody td", (nodes) => nodes.map((node) => node.textContent).join());
    const before = await figures();
    await own.stop("SIGKILL");
    await page.waitForSelector(".fresh.away[role=alert]");
    check(
      /数据停在 \d\d:\d\d:\d\d/.test(await textOf(page, ".fresh")),
      await textOf(page, ".fresh"),
    );
    same(await figures(), before, "the last figures stay");
    await picture(page, "away");
    await page.evaluate(() => document.querySelector(".nav a[href='/cases']").click());
    await page.check(".gate input[value='duty:know_cases']");
    await page.click(".gate button[type=submit]");
    await page.waitForSelector("main [role=alert]");
    check(
      (await textOf(page, "main [role=alert]")).includes("连不上服务器"),
      "an act says that it failed",
    );
    const again = await serve(data, { port });
    await page.waitForFunction(
      () => document.querySelector(".fresh")?.textContent.startsWith("实时"),
      null,
      { timeout: 60_000 },
    );
    await page.waitForSelector("#case-list .row"); // by itself
    same((await page.$$("main [role=alert]")).length, 0, "the failure is over");
    await again.stop();
    await close();
  });

  test("A session that ends on the server brings the log-in back and says why", async () => {
    const { page, context, close } = await openPage(demo);
    await logIn(page, "cdc_lead", (await logins(demo)).get("cdc_lead"));
    await page.waitForSelector(".map");
    await context.clearCookies();
    // whichever asks first, this click or the page by itself, brings it back
    const click = page.click(".map [data-code='320481']", { timeout: 20_000 }).catch(() => {});
    await page.waitForSelector("form [name=password]");
    await click;
    check((await textOf(page, "form [role=status]")).includes("到期"), "said in words");
    await close();
  });
}
