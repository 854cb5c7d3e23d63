// A list that is longer than what a page may keep: no blank row on the way down, what was let go comes
// again on the way up, in the order of the server, and a time is entered without scrolling.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { check, command, logIn, logins, openPage, picture, same, serve, test, textOf, work } from "./harness.mjs";

const rowHeight = 58;

/** Watches each frame from inside the page: the view is full of rows, one below the other. */
export function watchFrames(page) {
  return page.evaluate((height) => {
    const list = document.getElementById("loop-list");
    const seen = { frames: 0, blank: 0, waits: 0, deepest: 0, stop: false };
    window.seenFrames = seen;
    const look = () => {
      const box = list.getBoundingClientRect();
      const rows = [...list.querySelectorAll("[role=option]")]
        .map((row) => row.getBoundingClientRect())
        .filter((row) => row.bottom > box.top + 1 && row.top < box.bottom - 1)
        .sort((a, b) => a.top - b.top);
      const whole =
        rows.length > 0 &&
        rows[0].top <= box.top + 2 &&
        rows.at(-1).bottom >= box.bottom - 2 &&
        rows.every((row, i) => !i || Math.abs(row.top - rows[i - 1].top - height) < 2);
      seen.frames++;
      if (!whole) seen.blank++;
      if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) seen.waits++;
      const last = [...list.querySelectorAll("[role=option]")].at(-1);
      seen.deepest = Math.max(seen.deepest, Number(last?.getAttribute("aria-posinset") ?? 0));
      if (!seen.stop) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, rowHeight);
}
export const seenFrames = (page) =>
  page.evaluate(() => {
    window.seenFrames.stop = true;
    return window.seenFrames;
  });

/** Scrolls by some pixels a frame until the row of that number has been drawn, or for at most so long. */
export const scrollTo = (page, place, pixels, seconds) =>
  page.evaluate(
    ([place, pixels, seconds]) =>
      new Promise((done) => {
        const list = document.getElementById("loop-list");
        const begun = performance.now();
        const step = () => {
          list.scrollTop += pixels;
          const rows = [...list.querySelectorAll("[role=option]")].map((row) =>
            Number(row.getAttribute("aria-posinset")),
          );
          const there = pixels > 0 ? Math.max(...rows) >= place : Math.min(...rows) <= place;
          if (there || performance.now() - begun > seconds * 1000) done(there);
          else requestAnimationFrame(step);
        };
        step();
      }),
    [place, pixels, seconds],
  );

const drawnIds = (page) =>
  page.$$eval("#loop-list [role=option]", (rows) =>
    rows.map((row) => ({
      place: Number(row.getAttribute("aria-posinset")),
      id: Number(/\d+/.exec(row.querySelector(".what .small").textContent)[0]),
    })),
  );

export function listTests() {
  test("Six thousand loops scroll without a blank row, let go and come again, and a time is entered", async () => {
    const data = join(work, "long");
    command(data, ["bench", "lists", "--city", data, "--loops", "12000"]);
    const server = await serve(data, { still: true });
    const { page, faults, close } = await openPage(server, { language: "en" });
    const name = "command";
    await logIn(page, name, (await logins(server)).get(name));
    // of one scene: the night of the city opens loops of its own meanwhile
    await page.goto("/loops?list=area&scene=contact_management");
    await page.waitForSelector("#loop-list [role=option]");
    const order = await page.evaluate(async () => {
      const ids = [];
      for (let after = ""; after !== null; ) {
        const query = new URLSearchParams({
          owner: "area",
          scene: "contact_management",
          limit: "1000",
          ...(after && { after }),
        });
        const answer = await (await fetch(`/api/v1/loops?${query}`)).json();
        ids.push(...answer.items.map((row) => ({ id: row.id, due: row.due_at })));
        after = answer.next;
      }
      return ids;
    });
    check(order.length >= 12_000, `${order.length} loops`);
    const asServer = async (where) => {
      for (const { place, id } of await drawnIds(page))
        same(id, order[place - 1].id, `row ${place}, ${where}`);
    };
    await asServer("at the top");
    await watchFrames(page);
    const reached = await scrollTo(page, 6000, 600, 60);
    const down = await seenFrames(page);
    check(reached, `row 6000 is reached: ${JSON.stringify(down)}`);
    same(down.blank, 0, `blank frames of ${down.frames} on the way down`);
    await asServer("at 6000");
    check((await drawnIds(page)).length < 60, "only the rows in view are drawn");
    /* the rows of the beginning were let go: upwards they come again */
    await watchFrames(page);
    check(await scrollTo(page, 3000, -300, 60), "row 3000 is reached upwards");
    const up = await seenFrames(page);
    same(up.blank, 0, `blank frames of ${up.frames} on the way up`);
    await asServer("at 3000");
    await page.focus("#loop-list");
    await page.keyboard.press("Home");
    await page.waitForSelector("#loop-list-0");
    await asServer("at the top again");
    /* a time is entered by its key */
    const middle = order[9000].due;
    await page.keyboard.press("g");
    await page.fill("#loop-from", middle.slice(0, 16));
    await page.keyboard.press("Enter");
    await page.waitForURL(/from=/);
    const first = order.findIndex((row) => row.due >= `${middle.slice(0, 16)}:00`);
    await page.waitForFunction(
      (id) => document.querySelector("#loop-list-0 .what .small")?.textContent.includes(`${id}`),
      order[first].id,
    );
    check((await textOf(page, "#loop-list-0")).includes(`${order[first].id}`), "begins there");
    await picture(page, "loop-list-from-en");
    same(faults, [], "faults");
    await close();
    await server.stop();
    rmSync(data, { recursive: true });
  });
}
