// The case page's chain, possible sources, tree and notices: what is drawn is what the API says, by
// mouse and by keys, in both languages; what is not on record is hatched and called so.
import {
  check,
  command,
  logIn,
  logins,
  openCase,
  openPage,
  picture,
  same,
  test,
  textOf,
  textsOf,
} from "./harness.mjs";

const hoursMinutes = (from, to) => {
  const minutes = Math.round((Date.parse(to) - Date.parse(from)) / 60_000);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
};

export function chainTests({ demo, demoData }) {
  async function inside(options, name = "cdc_investigator") {
    const opened = await openPage(demo, options);
    await logIn(opened.page, name, (await logins(demo)).get(name));
    return opened;
  }
  const read = (page, path, purpose) =>
    page.evaluate(
      async ([address, header]) =>
        (await fetch(address, { headers: { "X-Purpose": header } })).json(),
      [path, purpose],
    );
  /** The three planted ones: they were entered one after the other, the planted case comes last. */
  async function plantedChain(page) {
    const { items } = await read(page, "/api/v1/cases?limit=1000", "duty:case_review");
    const found = items.filter((item) => item.name === "链中人").map((item) => item.id);
    same(found.length, 3, "planted cases of the chain");
    return found.sort((a, b) => a - b);
  }
  const chainOf = (page, id) => read(page, `/api/v1/cases/${id}/chain?limit=24`, `case:${id}`);
  const tokens = new Map();
  async function act(user, path, body) {
    if (!tokens.has(user)) tokens.set(user, command(demoData, ["user", "token", user]).trim());
    const answer = await fetch(`${demo.url}/api/v1${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${tokens.get(user)}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    check(answer.ok, `${path}: ${JSON.stringify(said)}`);
    return said;
  }
  const rowWords = async (page, id) =>
    (await textsOf(page, `.chain [data-row='${id}'] text`)).map((text) => text);

  test("The chain draws every case, link and delay as the API has them, and what is not on record is hatched", async () => {
    const { page, faults, close } = await inside();
    const [first, middle, last] = await plantedChain(page);
    await openCase(page, middle);
    await page.waitForSelector(".chain");
    const chain = await chainOf(page, middle);
    same(
      chain.nodes.map((node) => [node.id, node.generation]),
      [
        [middle, 0],
        [first, -1],
        [last, 1],
      ],
      "the API's chain",
    );
    same(
      await page.$$eval(".chain [data-row]", (rows) => rows.map((row) => Number(row.dataset.row))),
      [first, middle, last],
      "rows by generation",
    );
    same((await page.$$(".chain .elbow")).length, chain.edges.length, "elbows");
    same((await page.$$(".chain .elbow.dashed")).length, 0, "dashed ones");
    const node = (id) => chain.nodes.find((one) => one.id === id);
    check(chain.nodes.every((one) => one.held_at === null), "nobody's isolation is on record");
    same(node(last).sampled_at, node(last).at, "of an asymptomatic one t0 is the sample");
    same(node(middle).sampled_at, null, "no test of the middle one is on record");
    const words = await rowWords(page, last);
    same(
      words.slice(-3),
      ["—", hoursMinutes(node(last).sampled_at, node(last).recorded_at), "无记录"],
      "delays of the last",
    );
    same((await rowWords(page, middle)).slice(-3), ["无记录", "无记录", "无记录"], "of the middle");
    // onset to report without a sample, twice; and three that are not known to be isolated
    same((await page.$$(".chain .gone")).length, 5, "hatched bars");
    const title = await textOf(page, "#chain-title");
    check(title.startsWith("可能的传播链 3 例，往前 1 代、往后 1 代"), title);
    check(
      (await textOf(page, "[data-chart=chain] .time-line")).includes(
        `比对了辖区内前后 14 天的 ${chain.considered.toLocaleString("en-US")} 例；所画 3 例中 3 例没有隔离记录`,
      ),
      "how complete it is",
    );
    await page.locator(".chain-section").scrollIntoViewIfNeeded();
    await picture(page, "chain-zh");
    // the same as a table
    await page.click("[data-chart=chain] .chart-menu-open");
    await page.click("[data-chart=chain] .chart-acts button");
    const cells = await page.$$eval("[data-chart=chain] .chart-table tbody tr", (rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent)),
    );
    same(cells.map((row) => row[0]), [first, middle, last].map((id) => `病例 ${id}`), "rows");
    same(cells[1][4], "未知", "a sample that is not on record");
    check(cells[2].at(-1).includes("天宁测试食堂"), `evidence: ${cells[2].at(-1)}`);
    same(faults, [], "faults");
    await close();
  });

  test("Possible sources stand with their reasons, are reached by keys and open by their door", async () => {
    const { page, close } = await inside({ language: "en" });
    const [first, middle] = await plantedChain(page);
    await openCase(page, middle);
    await page.waitForSelector(".sources li");
    const chain = await chainOf(page, middle);
    const edge = chain.edges.find((one) => one.to === middle);
    const met = edge.evidence.find((piece) => piece.kind === "co_presence");
    same(await textsOf(page, "#sources-title"), ["1 possible source"], "the title");
    const said = await textOf(page, ".sources li");
    for (const part of [
      `Case ${first}`,
      "strongest",
      `weight ${met.weight.toFixed(2)}`,
      `closest ${met.closest_gap_s / 60} min apart`,
      met.venue,
      "3 d earlier",
    ])
      check(said.includes(part), `${part} in: ${said}`);
    await page.keyboard.press("5");
    same(
      await page.evaluate(() => document.activeElement.id),
      "sources-title",
      "5 goes to the sources",
    );
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(new RegExp(`/cases/${first}$`));
    await page.waitForSelector(".gate input:focus"); // its own purpose is asked for
    await close();
  });

  test("The tree of cases and contacts is worked by keys alone, and its numbers are the API's", async () => {
    const { page, close } = await inside();
    const { items } = await read(page, "/api/v1/cases?limit=1000", "duty:case_review");
    let id = 0;
    let contacts = null;
    for (const item of items) {
      contacts = await read(page, `/api/v1/cases/${item.id}/contacts?limit=1000`, `case:${item.id}`);
      if (contacts.items.some((one) => one.via !== null)) {
        id = item.id;
        break;
      }
    }
    check(id, "a case of the demo city has contacts of contacts");
    await openCase(page, id);
    await page.waitForSelector(".tree");
    const total = Object.values(contacts.counts).reduce((sum, one) => sum + one, 0);
    check(
      (await textOf(page, "#tree-title")).includes(`接触者 ${total} 人`),
      "the title has the number",
    );
    await page.keyboard.press("4");
    await page.keyboard.press("Tab");
    const here = () =>
      page.evaluate(() => ({
        role: document.activeElement.getAttribute("role"),
        level: Number(document.activeElement.getAttribute("aria-level")),
        open: document.activeElement.getAttribute("aria-expanded"),
        text: document.activeElement.textContent,
      }));
    same((await here()).role, "treeitem", "one stop for Tab");
    const group = `接触者 ${total} 人`;
    for (let i = 0; i < 200 && (await here()).text !== group; i++)
      await page.keyboard.press("ArrowDown");
    const before = await here();
    same([before.text, before.open], [group, "false"], "the contacts are closed");
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(
      (level) => document.querySelector(`.tree [aria-level='${level}'] .chip, .tree [aria-level='${level}'] .quiet`),
      before.level + 1,
    );
    const direct = contacts.items.filter(
      (one) => one.via === null || !contacts.items.some((other) => other.person_no === one.via),
    );
    same(
      await page.getAttribute(`.tree [aria-level='${before.level + 1}']:has(.chip)`, "aria-setsize"),
      String(direct.length),
      "contacts of the case itself",
    );
    await page.keyboard.press("ArrowRight");
    same((await here()).level, before.level + 1, "→ goes in");
    // the first that leads to another
    for (let i = 0; i < 200 && (await here()).open === null; i++)
      await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    const second = await here();
    same(second.level, before.level + 2, "a contact of a contact");
    check(second.text.includes("次密接"), `its level: ${second.text}`);
    await page.locator(".tree-section").scrollIntoViewIfNeeded();
    await picture(page, "tree-zh");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    same((await here()).open, "false", "← goes out, then closes");
    await page.keyboard.press("Home");
    same(await page.evaluate(() => document.querySelectorAll(".tree [tabindex='0']").length), 1, "stops");
    await close();
  });

  test("Notices that name the case stand with their state and clock and lead to their loop", async () => {
    const { page, close } = await inside();
    const [first, middle] = await plantedChain(page);
    const person = (await chainOf(page, middle)).nodes[0].person_no;
    await openCase(page, middle);
    await page.waitForSelector("#notices-title");
    await page.waitForFunction(() =>
      document.querySelector(".case-more").textContent.includes("没有登记关联本例的协查函"),
    );
    const { id } = await act("cdc_duty", "/loops", {
      scene: "inter_area_notice",
      subject: person,
      fields: { source_case: middle, direction: "sent", other_area: "上海市", notice_no: "N-7" },
    });
    await page.goto("/"); // the purpose of a page ends with it
    await openCase(page, middle);
    await page.waitForSelector(".case-notices li");
    const said = await textOf(page, ".case-notices li");
    for (const part of ["上海市", "N-7", "发出", "拟函", "剩"])
      check(said.includes(part), `${part} in: ${said}`);
    same((await textsOf(page, "#notices-title"))[0], "协查函 1 份", "the title");
    await page.goto("/");
    await openCase(page, first);
    await page.waitForFunction(() =>
      document.querySelector(".case-more").textContent.includes("没有登记关联本例的协查函"),
    ); // it names the other one
    await page.goto("/");
    await openCase(page, middle);
    await page.click(".case-notices a");
    await page.waitForURL(new RegExp(`/loops/${id}$`));
    await close();
  });

  test("An isolation that a loop says closes the row: the bar ends and the delay is told", async () => {
    const { page, close } = await inside();
    const [, middle, last] = await plantedChain(page);
    const person = (await chainOf(page, last)).nodes[0].person_no;
    const { id } = await act("cdc_lead", "/loops", {
      scene: "home_quarantine",
      subject: person,
      fields: { target_area: "320402001" },
    });
    await act("town_duty", `/loops/${id}/advance`, {
      to: "at_home",
      fields: { release_due: "2022-04-30T09:00:00+08:00", phone_free: false },
    });
    await openCase(page, middle);
    await page.waitForSelector(".chain .held", { state: "attached" });
    const node = (await chainOf(page, middle)).nodes.find((one) => one.id === last);
    same(node.held_by.loop, id, "who says so");
    same(
      (await rowWords(page, last)).at(-1),
      hoursMinutes(node.recorded_at, node.held_at),
      "report to isolation",
    );
    same((await page.$$(".chain .held")).length, 1, "heavy bars");
    await close();
  });

  test("Who may not run traces is told so in place of the chain", async () => {
    const { page, close } = await inside({ language: "en" }, "town_duty");
    const { items } = await read(page, "/api/v1/cases?limit=1", "duty:know_cases");
    await page.goto(`/cases/${items[0].id}`);
    await page.waitForSelector(".gate");
    await page.click(".gate button[type=submit]");
    await page.waitForSelector(".case-left [role=note]");
    check(
      (await textOf(page, ".case-left [role=note]")).includes("may not run traces"),
      "said in words",
    );
    await close();
  });
}
