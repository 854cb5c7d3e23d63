// The system: duties, the audit verified as a job, who looked at whom behind a purpose, retention, health.
// Nothing of a person reaches who manages the machine.
import {
  check,
  command,
  logIn,
  logins,
  openPage,
  pageIsWiderThanView,
  picture,
  same,
  test,
  textOf,
  textsOf,
} from "./harness.mjs";

const tabs = ["users", "audit", "glass", "retention", "sunset", "health", "jobs"];

export function systemTests({ demo, demoData }) {
  async function inside(name, options = {}) {
    const opened = await openPage(demo, options);
    await logIn(opened.page, name, (await logins(demo)).get(name));
    return opened;
  }
  const linksOf = (page) =>
    page.$$eval(".tabs a", (links) => links.map((link) => link.getAttribute("href").slice("/system/".length)));

  test("Each role is shown the parts of the system that are its own, and refused the others in words", async () => {
    const rows = [
      ["administrator", ["users", "retention", "sunset", "health", "jobs"]],
      ["auditor", ["audit", "glass", "retention", "sunset", "health", "jobs"]],
      ["command", ["glass"]],
      ["press", []],
    ];
    for (const [name, expected] of rows) {
      const { page, close } = await inside(name);
      await page.goto("/system");
      await page.waitForSelector(expected.length ? ".tabs a" : "main [role=alert]");
      same(await linksOf(page), expected, `parts of ${name}`);
      for (const tab of tabs.filter((one) => !expected.includes(one))) {
        await page.goto(`/system/${tab}`);
        await page.waitForSelector("main [role=alert]");
        check((await textOf(page, "main [role=alert]")).includes("没有这项权限"), `${name}, ${tab}`);
      }
      await close();
    }
  });

  test("The administrator goes through every part and nothing of a person is asked for or shown", async () => {
    const { page, faults, close } = await inside("administrator");
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    for (const tab of ["users", "retention", "sunset", "health", "jobs"]) {
      await page.goto(`/system/${tab}`);
      await page.waitForSelector(tab === "users" ? "#user-list .row" : ".tab h1");
    }
    same(
      asked.filter((path) => /\/(persons|cases|loops|appeals|exports)/.test(path)),
      [],
      "requests about persons",
    );
    same(faults, [], "faults");
    await close();
  });

  test("A shift, an absence and the end of a service are set by who manages users, and what ends a duty asks first", async () => {
    const { page, faults, close } = await inside("administrator", { language: "en" });
    await page.goto("/system/users");
    await page.waitForSelector("#user-list .row");
    await page.waitForFunction(() => document.activeElement.id === "user-list");
    await page.keyboard.press("/");
    await page.keyboard.type("sampler-320412");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".user h1");
    same(await textOf(page, ".user h1"), "sampler-320412", "the user");
    check((await textOf(page, ".user .loop-head")).includes("on duty"), "on duty without shifts");
    await page.fill("[name=duty-from]", "2022-05-01T08:00");
    await page.fill("[name=duty-until]", "2022-05-01T07:00");
    await page.click("form:has([name=duty-from]) button");
    await page.waitForSelector(".user [role=alert]");
    await page.fill("[name=duty-until]", "2022-05-01T20:00");
    await page.click("form:has([name=duty-from]) button");
    await page.waitForSelector(".duty-rows li");
    await page.waitForFunction(() => document.querySelector(".user .loop-head").textContent.includes("off duty"));
    same(await textsOf(page, ".duty-rows li > span"), ["1 May 08:00 – 1 May 20:00"], "the city's time");
    await picture(page, "system-user-en");
    await page.click(".duty-rows button");
    await page.waitForSelector(".ask button:focus");
    check((await textOf(page, ".ask")).includes("last shift"), "what taking it out means");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => !document.querySelector(".duty-rows li"));
    await page.waitForFunction(() => document.querySelector(".user .loop-head").textContent.includes("on duty"));
    /* an absence with a delegate, then the end of the service */
    const now = (await demo.api("/api/v1/public/about")).city_now.slice(0, 10);
    await page.fill("[name=absence-from]", `${now}T00:00`);
    await page.fill("[name=absence-until]", "2022-06-01T00:00");
    await page.fill("[name=delegate]", "sampler-320481");
    await page.click("form:has([name=delegate]) button");
    await page.waitForFunction(() =>
      document.querySelector(".user .loop-head").textContent.includes("sampler-320481 stands in"),
    );
    const before = command(demoData, ["user", "token", "sampler-320412"]).trim();
    const me = async () =>
      (await fetch(`${demo.url}/api/v1/loops`, { headers: { Authorization: `Bearer ${before}` } })).status;
    same(await me(), 200, "the user's token is good");
    await page.click(".button.grave");
    check((await textOf(page, ".ask")).includes("end at once"), "what ends, in words");
    await page.click(".ask .button:not(.grave)");
    same(await me(), 200, "going back ends nothing");
    await page.click(".button.grave");
    await page.click(".ask .button.grave");
    await page.waitForFunction(() => document.querySelector(".user .loop-head").textContent.includes("duty ended"));
    same(await me(), 401, "the token ended with it");
    await page.fill("[name=duty-end]", "");
    await page.click("form:has([name=duty-end]) button[type=submit]");
    await page.waitForFunction(() => document.querySelector(".user").textContent.includes("no end set"));
    same(faults, [], "faults");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.activeElement.id === "user-list");
    await close();
  });

  test("The audit chain is verified as a job with progress; the page may be left and finds it again", async () => {
    const { page, faults, close } = await inside("auditor");
    await page.goto("/system/audit");
    await page.waitForSelector(".verify button");
    await page.click(".verify button");
    await page.waitForSelector(".lines li.ok");
    await page.waitForFunction(() => document.querySelector(".verify h1").textContent.includes("审计链完整"));
    same(
      await textsOf(page, ".verify .lines b"),
      ["审计链", "证据封印"],
      "what was walked",
    );
    await page.keyboard.press("6");
    await page.waitForSelector(".jobs .job");
    check((await textOf(page, ".jobs .job h3")).includes("核对审计链"), "the job stands among the jobs");
    await page.goto("/system/audit");
    await page.waitForFunction(() => document.querySelector(".verify h1")?.textContent.includes("审计链完整"));
    await picture(page, "system-audit-zh");
    same(faults, [], "faults");
    await close();
  });

  test("Who looked at whom opens behind a purpose, by user and by person, and the question is on record", async () => {
    const { page, faults, close } = await inside("auditor", { language: "en" });
    const asked = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.pathname === "/api/v1/audit/records") asked.push([url.search, request.headers()["x-purpose"]]);
    });
    const lead = command(demoData, ["user", "token", "cdc_lead"]).trim();
    same(
      (await fetch(`${demo.url}/api/v1/persons/7`, {
        headers: { Authorization: `Bearer ${lead}`, "X-Purpose": "duty:cdc_lead" },
      })).status,
      200,
      "somebody looked",
    );
    await page.goto("/system/audit");
    await page.click(".audit-search .button");
    await page.waitForSelector(".gate");
    check((await textOf(page, ".gate .record")).includes("auditor"), "the note names who is recorded");
    same(asked, [], "nothing is asked before the purpose");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[name=person]");
    await page.fill("[name=person]", "7");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".audit-search tbody tr");
    same(asked, [["?person=7&limit=100", "duty:auditor"]], "the question and its purpose");
    const rows = await page.$$eval(".audit-search tbody tr", (lines) => lines.map((line) => line.textContent));
    check(rows.some((row) => row.includes("cdc_lead") && row.includes("read a person")), rows.join(" | "));
    check(rows.some((row) => row.includes("searched the audit")), "the question itself");
    await page.fill("[name=actor]", "cdc_lead");
    same(await page.inputValue("[name=person]"), "", "one of both");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector(".audit-search [role=status]").textContent.startsWith("cdc_lead"));
    await picture(page, "system-search-en");
    same(faults, [], "faults");
    await close();
  });

  test("Health is looked at from the page with the lines of doctor, in the reader's language", async () => {
    for (const language of ["zh", "en"]) {
      const { page, faults, close } = await inside("administrator", { language });
      await page.goto("/system/health");
      await page.waitForSelector(".tab .button.main");
      await page.click(language === "zh" ? ".tab .button.main" : ".tab .button:not(.main)");
      await page.waitForSelector(".progress, .lines li");
      const word = language === "zh" ? "审计链" : "audit chain";
      await page.waitForFunction((wanted) => {
        const lines = [...document.querySelectorAll(".lines li")].map((line) => line.textContent);
        const done = !document.querySelector(".progress") && lines.length >= 9;
        return done && lines.some((line) => line.includes(wanted));
      }, word);
      const lines = await textsOf(page, ".lines li");
      same(await page.$$eval(".lines li.fail", (found) => found.length), 0, "nothing fails");
      if (language === "zh")
        same(
          lines.filter((line) => /[a-z]{3,}/.test(line)),
          [],
          "English words left on the Chinese lines",
        );
      await picture(page, `system-health-${language}`);
      same(faults, [], "faults");
      await close();
    }
  });

  test("The pages of scenes, rules and the system fit 1920, 1280 and 960 pixels and a phone", async () => {
    for (const view of [{ width: 1920 }, { width: 1280 }, { width: 960 }, { width: 390, height: 844 }]) {
      const rows = [
        ["administrator", ["/system/users", "/system/users?user=sampler", "/system/retention", "/system/health"]],
        ["auditor", ["/system/audit", "/system/glass", "/system/jobs"]],
        ["cdc_lead", ["/rules", "/scenes", "/scenes/arrival"]],
      ];
      for (const [name, paths] of rows) {
        const { page, close } = await inside(name, { height: 1080, ...view });
        for (const path of paths) {
          await page.goto(path);
          await page.waitForSelector("h1");
          await page.waitForTimeout(400);
          same(await pageIsWiderThanView(page), false, `${path} at ${view.width} scrolls sideways`);
          await picture(page, `fit-${view.width}${path.replace(/[/?=]/g, "-")}`);
        }
        await close();
      }
    }
  });
}
