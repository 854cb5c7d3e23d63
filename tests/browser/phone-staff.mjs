// Venue staff: their own venue, a person's code, a picture of an old one, an identity number, the day's
// counts; and the public page.
import {
  axeFindings,
  check,
  logins,
  openPage,
  picture,
  residentOf,
  same,
  test,
  textOf,
} from "./harness.mjs";
import { pictureOf } from "./codes.mjs";
import { stilledVenue } from "./plant.mjs";
import { phone } from "./phone.mjs";
import { asManager, venueCodes } from "./phone-scan.mjs";

async function holderCode(server, no, form) {
  const entered = await fetch(`${server.url}/api/v1/sessions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ provider: "stub", person_no: no }),
  });
  const { session } = await entered.json();
  return server.api(`/api/v1/me/code?form=${form}`, { Authorization: `Bearer ${session}` });
}

const show = (page, code) =>
  page.setInputFiles("[name=picture]", {
    name: "code.bmp",
    mimeType: "image/bmp",
    buffer: pictureOf(code, {}),
  });

async function logInStaff(page, server, name) {
  await page.goto("/staff");
  await page.fill("[name=name]", name);
  await page.fill("[name=password]", (await logins(server)).get(name));
  await page.click("[type=submit]");
}

export function phoneStaffTests({ demo }) {
  test("Staff choose their venue, scan a person's code and paper code, and see the day's counts", async () => {
    const { short_code: typed } = await venueCodes(demo, 2);
    const { page, faults, close } = await openPage(demo, phone);
    await logInStaff(page, demo, "venue_staff");
    await page.waitForSelector("[name=typed]");
    same(await axeFindings(page), [], "axe at the choice");
    await page.fill("[name=typed]", typed);
    await page.click(".typed button");
    await page.waitForSelector(".today h2");
    const before = await page.evaluate(async (code) => {
      const answer = await fetch(`/api/v1/venue-codes/${code}/today`);
      return (await answer.json()).scans;
    }, typed);
    for (const [color, form, decision] of [
      ["green", "rotating", null],
      ["red", "rotating", "refuse"],
      ["red", "paper", "refuse"],
    ]) {
      const { code } = await holderCode(demo, await residentOf(demo, color), form);
      await show(page, code);
      await page.waitForSelector(".answer-page");
      const got = await page.getAttribute(".answer-page", "data-decision");
      if (decision) same(got, decision, `${color}, ${form}`);
      check(got !== "failed", `${color}, ${form} was answered`);
      if (form === "rotating") await picture(page, `staff-answer-${color}-zh`);
      await page.click(".answer-acts .main");
      await page.waitForSelector(".today h2");
      await page.waitForTimeout(1100); // one person's scans within one second count as one
    }
    const after = await page.evaluate(async (code) => {
      const answer = await fetch(`/api/v1/venue-codes/${code}/today`);
      return (await answer.json()).scans;
    }, typed);
    check(after === null || after >= (before ?? 0) + 3, `counted: ${before}, then ${after}`);
    await page.reload();
    await page.waitForSelector(".today h2"); // the venue is remembered
    same(await axeFindings(page), [], "axe at work");
    await picture(page, "staff-zh");
    same(faults, [], "faults");
    await close();
  });

  test("A code of another time, such as a picture of one, is refused, and the page says so", async () => {
    const { short_code: typed } = await venueCodes(demo, 2);
    const { code } = await holderCode(demo, await residentOf(demo, "green"), "rotating");
    const { page, close } = await openPage(demo, phone);
    await logInStaff(page, demo, "venue_staff");
    await page.fill("[name=typed]", typed);
    await page.click(".typed button");
    await page.waitForSelector(".today h2");
    // the scan's own time decides: sent as one of an hour ago, the code is not one of then
    await page.route("**/api/v1/scans", async (route) => {
      const { city_now: now } = await demo.api("/api/v1/public/about");
      const time = new Date(Date.parse(now) - 3_600_000).toISOString();
      const body = { ...route.request().postDataJSON(), client_time: time };
      await route.continue({ postData: JSON.stringify(body) });
    });
    await show(page, code);
    await page.waitForSelector("main [role=alert]");
    check((await textOf(page, "main [role=alert]")).includes("截图或照片"), "said in words");
    await page.unroute("**/api/v1/scans");
    await page.fill("[name=id_number]", "320411199001011234");
    await page.click(".typed button");
    await page.waitForFunction(() =>
      document.querySelector("main [role=alert]")?.textContent.includes("身份证号有误"),
    );
    await close();
  });

  test("A venue where nobody scans today is told loudly, and so that its staff know what to look at", async () => {
    const list = `/api/v1/venues?name=${encodeURIComponent(stilledVenue)}`;
    const { items } = await demo.api(list, await asManager(demo));
    const stilled = items.find((one) => one.name === stilledVenue);
    const { short_code: typed } = await venueCodes(demo, stilled.no);
    const { page, faults, close } = await openPage(demo, phone);
    await logInStaff(page, demo, "venue_staff");
    await page.fill("[name=typed]", typed);
    await page.click(".typed button");
    await page.waitForSelector("main [role=alert]");
    const told = await textOf(page, "main [role=alert]");
    check(told.includes("今天还没有人扫码") && told.includes("25 次"), told);
    same(await axeFindings(page), [], "axe");
    await picture(page, "staff-silent-zh");
    const english = await openPage(demo, { ...phone, language: "en" });
    await logInStaff(english.page, demo, "venue_staff");
    await english.page.fill("[name=typed]", typed);
    await english.page.click(".typed button");
    await english.page.waitForSelector("main [role=alert]");
    check((await textOf(english.page, "main [role=alert]")).includes("there are usually 25"), "in English");
    await picture(english.page, "staff-silent-en");
    await english.close();
    const { code } = await holderCode(demo, await residentOf(demo, "green"), "rotating");
    await show(page, code);
    await page.waitForSelector(".answer-page");
    await page.click(".answer-acts .main");
    await page.waitForSelector(".today h2");
    await page.waitForSelector("main [role=alert]", { state: "detached" });
    same(faults, [], "faults");
    await close();
  });

  test("Who may not check others is told so", async () => {
    const { page, close } = await openPage(demo, phone);
    await logInStaff(page, demo, "press");
    await page.waitForSelector("[role=alert]");
    check((await textOf(page, "[role=alert]")).includes("不核验他人"), "said in words");
    await close();
  });

  test("The public page tells rules, keeping and the audit head, and no person; what is not fed is hatched", async () => {
    for (const language of ["zh", "en"]) {
      const { page, faults, close } = await openPage(demo, { ...phone, language });
      await page.goto("/public");
      await page.waitForSelector(".audit-head");
      await page.waitForSelector(".public-part .reasons li");
      const head = await page.evaluate(async () =>
        (await fetch("/api/v1/public/audit-head")).json(),
      );
      check((await textOf(page, ".audit-head")).includes(head.hash), "the head");
      check((await textOf(page, "main")).includes("2022-03-01.1"), "the version of the rules");
      check(await page.isVisible(".not-fed.hatched"), "not fed");
      await page.click(".public-part summary");
      same(await axeFindings(page), [], "axe");
      await picture(page, `public-${language}`);
      same(faults, [], "faults");
      await close();
    }
  });
}
