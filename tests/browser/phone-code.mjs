// The signed code on the holder's page: it rotates, it is read by a camera's decoder, it is refused
// when it is old; appeals with their clock; the paper code.
import decodeQR from "qr/decode.js";
import { axeFindings, check, openPage, picture, residentOf, same, test, textOf, textsOf } from "./harness.mjs";
import { enter, phone } from "./phone.mjs";

/** What a camera would read from the screen. */
async function readFromScreen(page, selector) {
  const { width, height, data } = await page.evaluate(async (where) => {
    const svg = document.querySelector(where).cloneNode(true);
    svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    svg.setAttribute("width", "300");
    svg.setAttribute("height", "300");
    const image = new Image();
    image.src = `data:image/svg+xml,${encodeURIComponent(svg.outerHTML)}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 300;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, 300, 300);
    return { width: 300, height: 300, data: [...pixels.data] };
  }, selector);
  return decodeQR({ width, height, data: Uint8ClampedArray.from(data) });
}

export function phoneCodeTests({ demo }) {
  test("The code on the screen is the signed one, says until when it is good, and rotates", async () => {
    const { page, faults, close } = await openPage(demo, phone);
    await page.clock.install();
    await enter(page, await residentOf(demo, "green"));
    await page.waitForSelector(".signed[data-stage=fresh] .code-picture");
    const first = await readFromScreen(page, ".code-picture");
    check(/^c1\.[A-Za-z0-9_-]{24}$/.test(first), `a signed code: ${first}`);
    check(
      /断网时可用到 \d\d:\d\d:\d\d/.test(await textOf(page, ".code-age")),
      "its grace stands on its face",
    );
    const clock = await textOf(page, ".running b");
    await page.clock.runFor(2_000);
    check((await textOf(page, ".running b")) !== clock, "the seconds run");
    const drawn = await page.getAttribute(".code-picture path", "d");
    await page.clock.runFor(60_000);
    await page.waitForFunction(
      (old) => document.querySelector(".code-picture path")?.getAttribute("d") !== old,
      drawn,
    );
    const second = await readFromScreen(page, ".code-picture");
    check(second !== first, "another one after a minute");
    same(faults, [], "faults");
    await close();
  });

  test("An appeal is filed in the holder's words and shows its clock; the paper code is made", async () => {
    const { page, faults, close } = await openPage(demo, phone);
    await enter(page, await residentOf(demo, "red"));
    await page.waitForSelector(".code.red");
    await page.click(".appeals summary");
    await page.fill("[name=appeal]", "我没有去过那里。");
    await page.click(".appeals [type=submit]");
    await page.waitForSelector(".appeals li[data-state=open]");
    check(/最迟 .+ 答复，还有 /.test(await textOf(page, ".appeal-clock")), "the clock");
    const words = "我没有去过那里。"; // the resident may have older ones
    check((await textsOf(page, ".appeals li")).some((one) => one.includes(words)), "the words");
    const kept = await page.evaluate(async () => (await fetch("/api/v1/me/appeals")).json());
    same(kept.items.at(-1).words, words, "the server has it");
    await page.click(".paper summary");
    await page.click(".paper .button");
    await page.waitForSelector(".paper-sheet");
    const paper = await readFromScreen(page, ".paper-sheet .code-picture");
    same(paper, await textOf(page, ".paper-text"), "the picture is the text");
    check(paper.startsWith("p1."), "for paper");
    same(await axeFindings(page), [], "axe");
    await picture(page, "me-appeal-zh");
    same(faults, [], "faults");
    await close();
  });
}
