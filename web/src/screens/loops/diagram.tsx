// The drawing of a scene as the server makes it, with the stages that were passed and the present one
// marked. Its colours are this page's.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { readDrawing } from "../../api/client.ts";
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

function mark(drawing: SVGSVGElement, { stage, passed, label }: Props): void {
  drawing.setAttribute("aria-label", label);
  drawing.classList.add("drawing");
  for (const box of drawing.querySelectorAll("rect[data-stage]")) {
    const name = box.getAttribute("data-stage") ?? "";
    if (name === stage) box.classList.add("here");
    else if (passed.includes(name)) box.classList.add("passed");
  }
}

export function Diagram(props: Props): JSX.Element {
  const { scene, version } = props;
  const box = useRef<HTMLDivElement>(null);
  const address = `/api/v1/scenes/${scene}/diagram?plain=true&version=${version}&language=${settings.language}`;
  const drawing = useLoad(address, (signal) => readDrawing(address, signal));
  useEffect(() => {
    const element = box.current;
    if (!element || !drawing.value) return;
    const drawn = document.importNode(drawing.value.documentElement, true);
    if (!(drawn instanceof SVGSVGElement)) return;
    mark(drawn, props);
    element.replaceChildren(drawn);
    // a scene without a loop begins at its first stage
    const here = drawn.querySelector(".here") ?? drawn.querySelector("rect[data-stage]");
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
