// A drawing of the page as a file that stands alone: an SVG that carries its colours, its type, its title,
// its time and its source, and refers to nothing outside; and the same as a PNG. Colours are those
// of the theme that is shown.

/** A row of the key: a mark of at most 28 × 12, and what it means. */
export interface PictureKey {
  mark: SVGElement | null;
  words: string;
}

export interface PictureWords {
  title: string;
  /** Below the title: where, for when, how complete. */
  lines: readonly string[];
  keys: readonly PictureKey[];
  source: string;
}

const svgSpace = "http://www.w3.org/2000/svg";
const margin = 20;
const leastWidth = 420;
const lineHeight = 18;
const titleHeight = 23;
const keyMark = 34;

/** Properties that a drawing may get from style sheets, with what they are where nothing is said.
 *  The first are handed down from parent to child. */
const inherited = {
  fill: "rgb(0, 0, 0)",
  "fill-opacity": "1",
  stroke: "none",
  "stroke-width": "1px",
  "stroke-dasharray": "none",
  "stroke-linejoin": "miter",
  "stroke-linecap": "butt",
  "font-family": "",
  "font-size": "",
  "font-weight": "400",
  "text-anchor": "start",
  "paint-order": "normal",
  visibility: "visible",
} as const;
const own = {
  opacity: "1",
  "stop-color": "rgb(0, 0, 0)",
  "stop-opacity": "1",
  display: "inline",
} as const;

/** `url("https://…#id")` and `url("#id")` alike become `url(#id)`: a drawing refers to itself. */
const inside = (value: string): string => value.replace(/url\(["']?[^)"']*#([^)"']+)["']?\)/g, "url(#$1)");

/** Attributes of a page that mean nothing in a file. */
const isOfPage = (name: string): boolean =>
  /^(class|style|role|tabindex|on.*|aria-.*|data-.*)$/i.test(name);

function put(to: Element, name: string, value: string): void {
  to.setAttribute(name, inside(value));
}

/** Writes onto the copy what the page's style sheets say of the original. */
function inline(from: Element, to: Element, handed: Record<string, string>): void {
  const style = getComputedStyle(from);
  const mine: Record<string, string> = {};
  for (const name of [...to.attributes].map((one) => one.name)) {
    const refersOut = /href$/i.test(name) && !to.getAttribute(name)?.startsWith("#");
    if (isOfPage(name) || refersOut) to.removeAttribute(name);
  }
  for (const name of Object.keys(inherited)) {
    const value = (mine[name] = style.getPropertyValue(name));
    to.removeAttribute(name);
    if (value && value !== handed[name]) put(to, name, value);
  }
  for (const [name, usual] of Object.entries(own)) {
    const value = style.getPropertyValue(name);
    to.removeAttribute(name);
    if (value && value !== usual && !(name === "display" && value !== "none")) put(to, name, value);
  }
  const children = [...to.children];
  [...from.children].forEach((child, i) => {
    const copy = children[i]!;
    if (/^(script|style|foreignObject)$/.test(child.tagName) || "screenOnly" in (child as SVGElement).dataset)
      copy.remove();
    else inline(child, copy, mine);
  });
}

function copyOf(drawing: SVGElement): SVGElement {
  const copy = drawing.cloneNode(true) as SVGElement;
  inline(drawing, copy, inherited);
  return copy;
}

function make(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

const measure = document.createElement("canvas").getContext("2d");
function widthOf(text: string, font: string): number {
  if (!measure) return text.length * 12;
  measure.font = font;
  return measure.measureText(text).width;
}

/** Lines of at most that width; Latin text breaks at spaces, Han anywhere but before a stop. */
function wrap(text: string, width: number, font: string): string[] {
  const words = text.match(/[^\s\u2e80-\uffef]+\s*|\s+|[\u2e80-\uffef][，。；：、）”]*\s*/g) ?? [];
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (line && widthOf(line + word.trimEnd(), font) > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += word;
  }
  return [...lines, line.trimEnd()].filter(Boolean);
}

interface Made {
  text: string;
  width: number;
  height: number;
}

interface Pen {
  root: SVGElement;
  y: number;
  width: number;
  font(size: number, weight?: number): string;
  family: string;
}

function write(pen: Pen, text: string, size: number, high: number, color: string, weight = 400): void {
  for (const line of wrap(text, pen.width - 2 * margin, pen.font(size, weight))) {
    pen.y += high;
    const row = make("text", {
      x: margin,
      y: pen.y,
      fill: color,
      "font-family": pen.family,
      "font-size": size,
      "font-weight": weight,
    });
    row.textContent = line;
    pen.root.append(row);
  }
}

function writeKeys(pen: Pen, keys: readonly PictureKey[], color: string): void {
  if (!keys.length) return;
  let x = margin;
  pen.y += lineHeight + 4;
  for (const { mark, words } of keys) {
    const before = mark ? keyMark : 0;
    const wide = before + widthOf(words, pen.font(12)) + 20;
    if (x > margin && x + wide > pen.width - margin) {
      x = margin;
      pen.y += lineHeight;
    }
    if (mark) {
      const copy = copyOf(mark);
      for (const [name, value] of Object.entries({ x, y: pen.y - 10, width: 28, height: 12 }))
        copy.setAttribute(name, String(value));
      pen.root.append(copy);
    }
    const row = make("text", {
      x: x + before,
      y: pen.y,
      fill: color,
      "font-family": pen.family,
      "font-size": 12,
    });
    row.textContent = words;
    pen.root.append(row);
    x += wide;
  }
}

/** The drawing with its words around it. It has to be part of the page: its colours are read there. */
export function standAlone(drawing: SVGSVGElement, words: PictureWords): Made {
  const root = getComputedStyle(document.documentElement);
  const color = (name: string): string => root.getPropertyValue(name).trim();
  const family = root.getPropertyValue("--font").replace(/\s+/g, " ").trim();
  const box = drawing.viewBox.baseVal;
  const seen = drawing.getBoundingClientRect();
  const [wide, high] = box?.width ? [box.width, box.height] : [seen.width, seen.height];
  const pen: Pen = {
    root: make("svg", { xmlns: svgSpace }),
    y: margin - 6,
    width: Math.max(leastWidth, Math.ceil(wide)) + 2 * margin,
    font: (size, weight = 400) => `${weight} ${size}px ${family}`,
    family,
  };
  const ground = make("rect", { width: "100%", height: "100%", fill: color("--bg") });
  const name = make("title", {});
  name.textContent = words.title;
  pen.root.append(name, ground);
  write(pen, words.title, 17, titleHeight, color("--ink"), 700);
  for (const line of words.lines) write(pen, line, 12, lineHeight, color("--ink-2"));
  const copy = copyOf(drawing);
  const place = { x: margin, y: pen.y + 12, width: wide, height: high };
  for (const [key, value] of Object.entries(place)) copy.setAttribute(key, String(value));
  if (!box?.width) copy.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  pen.root.append(copy);
  pen.y += 12 + high;
  writeKeys(pen, words.keys, color("--ink-2"));
  pen.y += 4;
  write(pen, words.source, 12, lineHeight, color("--ink-3"));
  const height = Math.ceil(pen.y + margin - 6);
  put(pen.root, "width", String(pen.width));
  put(pen.root, "height", String(height));
  put(pen.root, "viewBox", `0 0 ${pen.width} ${height}`);
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(pen.root)}`;
  return { text, width: pen.width, height };
}

const mostPixels = 48e6;

/** At twice its size, or as large as a canvas may be. */
export async function pngOf({ text, width, height }: Made): Promise<Blob> {
  const scale = Math.min(2, Math.sqrt(mostPixels / (width * height)), 16_000 / Math.max(width, height));
  const image = new Image();
  // data: and not blob:, which the page's content security policy does not allow as a picture
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) =>
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture")))),
  );
}

export function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
