// The sheet of screens in the README, docs/screens.png, from a demo city: tools/screens.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { command, endAll, logIn, logins, openBrowser, openCase, openPage, residentOf, serve, work } from "./harness.mjs";
import { enter, phone } from "./phone.mjs";
import { venueCodes } from "./phone-scan.mjs";

const sheet = new URL("../../docs/screens.png", import.meta.url).pathname;
const desk = { width: 1600, height: 1000 };
const shots = [];

/** Photographs a page as it stands now. */
async function shoot(page, width, words) {
  await page.waitForTimeout(600);
  shots.push({ width, words, picture: (await page.screenshot()).toString("base64") });
}

async function atDesk(server, role, options, words, open) {
  const { page, close } = await openPage(server, { ...desk, ...options });
  await logIn(page, role, (await logins(server)).get(role));
  await open(page);
  await shoot(page, 6, words);
  await close();
}

async function onPhone(server, words, open) {
  const { page, close } = await openPage(server, phone);
  await open(page);
  await shoot(page, 2, words);
  await close();
}

let failed = 1;
try {
  const data = join(work, "screens");
  command(data, ["init", "--demo", "--people", "20000"]);
  const server = await serve(data, { still: true });
  await openBrowser();
  await atDesk(server, "cdc_lead", {}, "态势 Situation", (page) => page.waitForSelector(".chart"));
  await atDesk(server, "cdc_lead", { theme: "dark", language: "en" }, "Situation, for the wall", (page) =>
    page.waitForSelector(".chart"),
  );
  await atDesk(server, "epidemiologist", {}, "预警 Alerts", async (page) => {
    await page.goto("/alerts/1");
    await page.waitForSelector(".alert-pane");
  });
  await atDesk(server, "cdc_lead", { language: "en" }, "Loops", async (page) => {
    await page.goto("/loops?list=area");
    await page.waitForSelector("#loop-list .row");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".history");
  });
  await atDesk(server, "cdc_lead", {}, "流调 Case", (page) => openCase(page, 1));
  await atDesk(server, "cdc_lead", { language: "en" }, "Venues", async (page) => {
    await page.goto("/venues");
    await page.waitForSelector("#venue-list .row");
  });
  for (const color of ["green", "red"])
    await onPhone(server, color === "green" ? "我的码 My code" : "为什么 Why", async (page) => {
      await enter(page, await residentOf(server, color));
      await page.waitForSelector(`.code.${color} .code-picture`);
    });
  await onPhone(server, "扫场所 Scan a venue", async (page) => {
    await enter(page, await residentOf(server, "green"));
    await page.waitForSelector(".code.green");
    await page.goto("/scan");
    await page.waitForSelector(".typed");
  });
  await onPhone(server, "答复 Answer", async (page) => {
    await enter(page, await residentOf(server, "green"));
    await page.waitForSelector(".code.green");
    await page.goto("/scan");
    await page.fill("[name=typed]", (await venueCodes(server, 2)).short_code);
    await page.click(".typed button");
    await page.waitForSelector(".answer-page");
  });
  await onPhone(server, "场所值守 Venue staff", async (page) => {
    await page.goto("/staff");
    await page.fill("[name=name]", "venue_staff");
    await page.fill("[name=password]", (await logins(server)).get("venue_staff"));
    await page.click("[type=submit]");
    await page.fill("[name=typed]", (await venueCodes(server, 2)).short_code);
    await page.click(".typed button");
    await page.waitForSelector(".today h2");
  });
  await onPhone(server, "公开 Public", async (page) => {
    await page.goto("/public");
    await page.waitForSelector(".public-part .reasons");
  });
  const { page } = await openPage(server, { width: 2000, height: 1200 });
  await page.setContent(
    `<style>body{margin:0;padding:24px;background:#e9ecef;font:600 20px "Noto Sans CJK SC",sans-serif;
      color:#14181c;display:grid;grid-template-columns:repeat(12,1fr);gap:24px;align-items:start}
      figure{margin:0;background:#fff;border:1px solid #8a949e}figcaption{padding:8px 12px}
      img{display:block;width:100%}</style>` +
      shots
        .map(
          ({ width, words, picture }) =>
            `<figure style="grid-column:span ${width}"><figcaption>${words}</figcaption>` +
            `<img src="data:image/png;base64,${picture}"></figure>`,
        )
        .join(""),
  );
  await page.screenshot({ path: sheet, fullPage: true });
  console.log(`${sheet}, ${Math.round(readFileSync(sheet).length / 1024)} kB`);
  failed = 0;
} catch (reason) {
  console.error(reason.stack ?? String(reason));
} finally {
  await endAll();
}
process.exit(failed);
