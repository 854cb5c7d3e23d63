// The drawing of a scene as the server makes it, with the stages that were passed and the present one
// marked. Its colours are this page's: the document's own style is taken out, as the content
// security policy demands.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { readText } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { settings } from "../../settings.ts";

interface Props {
  scene: string;
  version: number;
  /** Where the loop stands, and where it was. */
  stage: string;
  passed: readonly string[];
  label: string;
}

function drawingOf(text: string): SVGSVGElement | null {
  const plain = text.replace(/<style>[\s\S]*?<\/style>/g, "").replace(/ style="[^"]*"/g, "");
  const parsed = new DOMParser().parseFromString(plain, "image/svg+xml").documentElement;
  return parsed instanceof SVGSVGElement ? document.importNode(parsed, true) : null;
}

function mark(drawing: SVGSVGElement, { stage, passed, label }: Props): void {
  drawing.setAttribute("aria-label", label);
  drawing.classList.add("drawing");
  drawing.querySelector(":scope > rect")?.remove(); // the ground is the page's
  drawing.querySelectorAll(".title, .sub").forEach((text) => text.remove());
  for (const box of drawing.querySelectorAll("rect[data-stage]")) {
    const name = box.getAttribute("data-stage") ?? "";
    if (name === stage) box.classList.add("here");
    else if (passed.includes(name)) box.classList.add("passed");
  }
  const [left, , wide, high] = (drawing.getAttribute("viewBox") ?? "0 0 0 0").split(" ").map(Number);
  const head = 64; // where the title stood
  drawing.setAttribute("viewBox", `${left} ${head} ${wide} ${(high ?? 0) - head}`);
  drawing.setAttribute("height", String((high ?? 0) - head));
}

export function Diagram(props: Props): JSX.Element {
  const { scene, version } = props;
  const box = useRef<HTMLDivElement>(null);
  const address = `/api/v1/scenes/${scene}/diagram?version=${version}&language=${settings.language}`;
  const drawing = useLoad(address, (signal) => readText(address, signal));
  useEffect(() => {
    const element = box.current;
    const drawn = drawing.value === null ? null : drawingOf(drawing.value);
    if (!element || !drawn) return;
    mark(drawn, props);
    element.replaceChildren(drawn);
    const here = drawn.querySelector(".here");
    if (!here) return;
    const [seen, all] = [here.getBoundingClientRect(), element.getBoundingClientRect()];
    element.scrollTop += seen.top - all.top - (all.height - seen.height) / 2;
    element.scrollLeft += seen.left - all.left - (all.width - seen.width) / 2;
  }, [drawing.value, props.stage, props.passed.join(" "), props.label]);
  if (drawing.value === null) return <Waiting loaded={drawing} />;
  return (
    <div
      ref={box}
      class="drawing-box"
      tabIndex={0}
      role="region"
      aria-label={t("drawingOf", { title: props.label })}
    />
  );
}
