// The holder's page: colour, word, shape, until when, why; unknown where it cannot be known.
import { join } from "node:path";
import {
  axeFindings,
  check,
  command,
  freePort,
  openPage,
  picture,
  residentOf,
  same,
  serve,
  test,
  textOf,
  work,
} from "./harness.mjs";

export const phone = { width: 390, height: 844 };

export async function enter(page, no) {
  await page.goto("/me");
  await page.fill("[name=subject]", String(no));
  await page.click(".stub-form button[type=submit]");
}

export function phoneTests({ demo }) {
  test("My code enters through a stub that says it is one, and shows colour, word, shape and why", async () => {
    const { page, faults, close } = await openPage(demo, phone);
    await page.goto("/me");
    await page.waitForSelector(".stub-form");
    check(
      (await textOf(page, ".stub-form")).includes("替身"),
      "the identity provider is called a stub",
    );
    await page.fill("[name=subject]", "99999999");
    await page.click("button[type=submit]");
    await page.waitForSelector("[role=alert]");
    await enter(page, await residentOf(demo, "red"));
    await page.waitForSelector(".code");
    const me = await page.evaluate(async () => (await fetch("/api/v1/me")).json());
    const why = await page.evaluate(async () => (await fetch("/api/v1/me/why")).json());
    same(await page.getAttribute(".code", "data-color"), me.color, "the server's colour");
    same(
      await textOf(page, ".code .word"),
      { green: "绿码", yellow: "黄码", red: "红码", unknown: "未知" }[me.color],
      "word",
    );
    check(await page.isVisible(".code svg path"), "shape");
    check(
      (await textOf(page, ".reasons")).includes(why.reasons[0].words.zh),
      "why, in the server's words",
    );
    await picture(page, "me-zh");
    await page.click(".switch button[lang=en]");
    check((await textOf(page, ".reasons")).includes(why.reasons[0].words.en), "why, in English");
    await page.click(".me-out");
    await page.waitForSelector(".stub-form");
    same(
      await page.evaluate(async () => (await fetch("/api/v1/me")).status),
      401,
      "the session has really ended",
    );
    same(faults, [], "faults");
    await close();
  });

  test("The code's session is bound to this browser: copied to another it is nothing", async () => {
    const { page, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code");
    const cookies = await page.context().cookies(`${demo.url}/api/v1/me`);
    const device = cookies.find((one) => one.name === "chengmai_device");
    const session = cookies.find((one) => one.name === "chengmai_session");
    check(device?.httpOnly && session?.httpOnly, "no script reads either");
    check(session.value.startsWith("h2."), "bound");
    const other = await openPage(demo, phone);
    await other.page.context().addCookies([session]);
    await other.page.goto("/me");
    await other.page.waitForSelector(".stub-form");
    await page.reload();
    await page.waitForSelector(".code");
    await other.close();
    await close();
  });

  test("A holder shows the code of a family member, who sees it and ends it", async () => {
    const member = await residentOf(demo, "red");
    const { page, faults, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code.green");
    await page.click(".family-care summary");
    await page.fill("[name=member]", String(member));
    await page.selectOption("[name=relation]", "parent");
    await page.click(".family-form [type=submit]");
    await page.waitForSelector(".family");
    same(await axeFindings(page), [], "axe");
    await picture(page, "me-family-zh");
    await page.click(`.family button:has-text("父母 ${member}")`);
    await page.waitForSelector(".code.red");
    check((await textOf(page, "main")).includes("已记录"), "says that the look is recorded");
    await page.click('.family button:has-text("我")');
    await page.waitForSelector(".code.green");

    const theirs = await openPage(demo, phone);
    await enter(theirs.page, member);
    await theirs.page.waitForSelector(".code.red");
    const looks = await theirs.page.evaluate(async () =>
      (await (await fetch("/api/v1/me/accesses")).json()).items.map((one) => one.office.en),
    );
    check(looks.includes("Who represents you"), "the member reads who looked");
    await theirs.page.click(".family-care summary");
    await theirs.page.click(".family-care li .button");
    await theirs.page.waitForSelector(".family-care li", { state: "detached" });
    await theirs.close();

    await page.click(`.family button:has-text("父母 ${member}")`);
    await page.waitForSelector(".family", { state: "detached" });
    await page.waitForSelector(".code.green");
    same(faults, [], "faults");
    await close();
  });

  test("A holder's session opens nothing of the console", async () => {
    const { page, close } = await openPage(demo);
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".code");
    const status = await page.evaluate(async () => (await fetch("/api/v1/situation")).status);
    same(status, 403, "the situation is refused");
    await page.goto("/");
    await page.waitForSelector("form [name=password]");
    same(await page.isVisible(".nav"), false, "the console asks for a log-in of its own");
    await close();
  });

  test("When the server is gone the code is unknown: neither the last colour nor red", async () => {
    const data = join(work, "short-lived");
    command(data, ["init", "--demo", "--people", "300"]);
    const port = await freePort();
    const own = await serve(data, { port, still: true });
    const { page, close } = await openPage(own, phone);
    await page.clock.install();
    await enter(page, await residentOf(own, "green"));
    await page.waitForSelector(".code.green");
    await own.stop("SIGKILL");
    await page.clock.runFor(25_000);
    await page.waitForSelector(".code.unknown");
    check((await textOf(page, ".code")).includes("人工核验"), "says what to do");
    check(
      /上次查到：\d\d:\d\d，绿码/.test(await textOf(page, ".last-known")),
      "the last colour is told as the last, with its time",
    );
    check(await page.isVisible("[role=alert]"), "says that the server does not answer");
    await picture(page, "me-unknown");
    const again = await serve(data, { port, still: true });
    await page.clock.runFor(25_000);
    await page.waitForSelector(".code.green");
    await again.stop();
    await close();
  });
}
