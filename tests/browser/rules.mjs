// Scenes and rules: the catalogue and its proofs, an older version beside the one that opens, a proposal
// with what it would change, and two signatures by others than who proposed.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

const town = "320402001";

/** The built-in scene as a city's own file, changed. */
function ownScene(data, name, change) {
  const text = readFileSync(new URL(`../../scenes/${name}.yaml`, import.meta.url), "utf8");
  mkdirSync(join(data, "scenes"), { recursive: true });
  const file = join(data, "scenes", `${name}.yaml`);
  const changed = change(text);
  check(changed !== text, `the change of ${name} changes something`);
  writeFileSync(file, changed);
  return file;
}

export function rulesTests({ demo, demoData }) {
  async function inside(name, options = {}) {
    const opened = await openPage(demo, options);
    await logIn(opened.page, name, (await logins(demo)).get(name));
    return opened;
  }
  const statusOf = (page) => textOf(page, ".loop-side [role=status]");
  /** What was found of a file is known for ten seconds at most. */
  async function proofsUntil(page, holds) {
    for (let i = 0; i < 40; i++) {
      await page.goto("/scenes");
      await page.waitForSelector("#scene-list .row");
      await page.waitForFunction(() => !document.querySelector(".loop-side [role=status]").textContent.includes("…"));
      if (await holds()) return;
      await page.waitForTimeout(1000);
    }
    throw new Error(`never: ${await statusOf(page)}`);
  }

  test("The scenes are gone through by keys alone: / J K Enter Esc, each with its drawing, stages and words", async () => {
    const { page, faults, close } = await inside("district_duty", { language: "en" });
    await page.click(".nav a[href='/scenes']");
    await page.waitForSelector("#scene-list .row");
    await page.waitForFunction(() =>
      document.querySelector(".loop-side [role=status]").textContent.includes("are proved"),
    );
    await page.waitForFunction(() => document.activeElement.id === "scene-list");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const chosen = await textOf(page, "#scene-list [aria-selected=true] b");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".scene svg.drawing");
    same(await textOf(page, ".scene h1"), chosen, "the scene that was chosen");
    check((await textOf(page, ".scene .chip.proof")).includes("proved"), "its proof is said");
    const stages = await textsOf(page, ".stages li .stage-head b");
    const drawn = await page.$$eval(".scene svg.drawing rect[data-stage]", (boxes) => boxes.length);
    same(stages.length, drawn, "every stage stands in words and in the drawing");
    await page.click(".scene details summary");
    await page.waitForSelector(".document h4");
    check((await textsOf(page, ".document h4")).includes("Stages"), "the whole text, in English");
    await picture(page, "scene-en");
    await page.keyboard.press("Escape");
    await page.waitForURL(/\/scenes$/);
    await page.waitForFunction(() => document.activeElement.id === "scene-list");
    same(await textOf(page, "#scene-list [aria-selected=true] b"), chosen, "back at the same row");
    await page.keyboard.press("/");
    await page.keyboard.type("petition");
    await page.keyboard.press("Enter");
    same((await textsOf(page, "#scene-list .row b")).length, 1, "the filter filters");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".scene a[href='/loops/new?open=petition']");
    await page.keyboard.press("n");
    await page.waitForSelector("#open-petition_no");
    same(faults, [], "faults");
    await close();
  });

  test("A file that is not proved is named with its line and its way, and the version in use stays", async () => {
    const { page, close } = await inside("district_duty");
    const file = ownScene(demoData, "staff_care", (text) =>
      text.replace(/^version: (\d+)/m, (_, no) => `version: ${Number(no) + 1}`).replace(/\n {4}within: [^\n]*/, ""),
    );
    try {
      await proofsUntil(page, async () => (await statusOf(page)).includes("1 个文件没有生效：scenes/staff_care.yaml"));
      await page.goto("/scenes/staff_care");
      await page.waitForSelector(".findings li");
      const finding = await textOf(page, ".findings li");
      check(/第 \d+ 行 no-clock/.test(finding), `line and rule: ${finding}`);
      check((await textsOf(page, ".versions tbody th")).length >= 1, "the version in use is shown");
      await picture(page, "scene-not-proved-zh");
    } finally {
      rmSync(file);
    }
    await proofsUntil(page, async () => (await statusOf(page)).includes("都已证明"));
    await close();
  });

  test("Where loops live under an older version it stands beside the newer one, what differs marked", async () => {
    const token = command(demoData, ["user", "token", "town_duty"]).trim();
    const opened = await fetch(`${demo.url}/api/v1/loops`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify({
        scene: "health_education",
        subject: town,
        fields: { topic: "洗手", due_at: "2022-04-30T12:00:00+08:00" },
      }),
    });
    same(opened.status, 201, "a loop under the first version");
    let newest = 0;
    ownScene(demoData, "health_education", (text) =>
      text
        .replace(/^version: (\d+)/m, (_, no) => `version: ${(newest = Number(no) + 1)}`)
        .replace("title: {zh: 宣传, en: Being told}", "title: {zh: 上门宣传, en: Told at the door}"),
    );
    command(demoData, ["scene", "load"]);
    const { page, faults, close } = await inside("district_duty");
    await page.goto("/scenes/health_education");
    await page.waitForSelector(".versions tbody tr:nth-child(2)");
    const rows = await page.$$eval(".versions tbody tr", (lines) =>
      lines.map((line) => [...line.children].map((cell) => cell.textContent)),
    );
    same(rows[0][0], `第 ${newest} 版`, "the newest first");
    check(Number(rows[1][2]) >= 1, `loops live under the older one: ${rows[1]}`);
    await page.click(".versions button");
    await page.waitForSelector(".scene-pair .scene-one:nth-child(2) svg.drawing");
    same(
      await textsOf(page, ".stages li.changed .stage-head b"),
      ["上门宣传", "宣传"],
      "what differs, in both",
    );
    same(await pageIsWiderThanView(page), false, "two versions fit side by side");
    await picture(page, "scene-beside-zh");
    same(faults, [], "faults");
    await close();
  });

  test("A proposal shows whom it would change before anybody signs, and two others sign it", async () => {
    const proposer = await inside("cdc_lead");
    await proposer.page.click(".nav a[href='/rules']");
    await proposer.page.waitForSelector(".rule-row");
    same(await textsOf(proposer.page, ".rule-row .chip"), ["生效中"], "one version is in force");
    await proposer.page.click(".rule-side .button");
    await proposer.page.waitForSelector("form.propose");
    await proposer.page.fill("[name=name]", "trial_2022");
    await proposer.page.fill("[name=titleZh]", "试行：密接缩短");
    await proposer.page.fill("[name=titleEn]", "Trial: contacts shortened");
    await proposer.page.fill("[name=close_contact_red_days]", "30");
    await proposer.page.click("form.propose [type=submit]");
    await proposer.page.waitForSelector("form.propose [role=alert]");
    check(
      (await textOf(proposer.page, "form.propose [role=alert]")).length > 5,
      "a rule set that contradicts itself is refused in words",
    );
    await proposer.page.fill("[name=close_contact_red_days]", "7");
    await proposer.page.fill("[name=case_red_after_discharge_days]", "0");
    same(await proposer.page.$$eval("tr.changed", (lines) => lines.length), 2, "what was changed stands out");
    await picture(proposer.page, "rules-propose-zh");
    await proposer.page.click("form.propose [type=submit]");
    await proposer.page.waitForSelector(".effect h2");
    check((await textOf(proposer.page, ".notice.good")).includes("提案已记下"), "it is said");
    check(/人/.test(await textOf(proposer.page, ".effect h2")), "whom it would change, in words");
    /* counts that are held back are hatched and have no number */
    const held = await textsOf(proposer.page, ".effect td .held");
    check(held.every((words) => words === "人数太少，不显示"), `held back: ${held}`);
    same(await textsOf(proposer.page, ".compare tr.changed th"), ["确诊者出院后红码", "密接者红码", "生效时间"], "rows that differ");
    same(await proposer.page.isDisabled(".signing button"), true, "who proposes does not sign");
    await picture(proposer.page, "rules-effect-zh");
    same(proposer.faults, [], "faults");
    await proposer.close();

    const first = await inside("command", { language: "en" });
    await first.page.goto("/rules");
    await first.page.waitForSelector(".signing");
    check((await textOf(first.page, ".signing h2")).includes("0/2"), "nobody signed yet");
    await first.page.keyboard.press("s");
    await first.page.waitForSelector(".ask button:focus");
    check((await textOf(first.page, ".ask")).includes("cannot be taken back"), "it asks in words");
    await picture(first.page, "rules-sign-en");
    await first.page.keyboard.press("Escape");
    await first.page.waitForSelector(".ask", { state: "detached" });
    check((await textOf(first.page, ".signing h2")).includes("0/2"), "Esc signs nothing");
    await first.page.keyboard.press("s");
    await first.page.waitForSelector(".ask button:focus");
    await first.page.keyboard.press("Tab");
    await first.page.keyboard.press("Enter");
    await first.page.waitForFunction(() => document.querySelector(".signing h2").textContent.includes("1/2"));
    check((await textOf(first.page, ".signing")).includes("You have signed it"), "nobody signs twice");
    same(first.faults, [], "faults");
    await first.close();

    const second = await inside("approver");
    await second.page.goto("/rules?set=trial_2022");
    await second.page.click(".signing .button.main");
    check((await textOf(second.page, ".ask")).includes("按这一版判定所有人"), "what the second signature does");
    await second.page.click(".ask .button.grave");
    await second.page.waitForSelector(".rule-row .chip.yellow");
    check((await textOf(second.page, ".notice.good")).includes("起生效"), "from when it holds");
    await picture(second.page, "rules-signed-zh");
    await second.close();
  });

  test("Who neither proposes, signs nor reads codes is shown no rules, and scenes show no door that is shut", async () => {
    const { page, close } = await inside("venue_staff");
    same(await page.$$eval(".nav a[href='/rules']", (links) => links.length), 0, "no link");
    await page.goto("/scenes/arrival");
    await page.waitForSelector(".versions tbody tr");
    same(
      await page.$$eval(".versions tbody td.right", (cells) => cells.map((cell) => cell.textContent)),
      ["—", "—"],
      "who looks after no area is shown no counts, and no 0",
    );
    await close();
  });
}
