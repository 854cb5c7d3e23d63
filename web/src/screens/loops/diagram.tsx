// The drawing of a scene as the server makes it, with the stages that were passed and the present one
// marked. Its colours are this page's; its table is the definition's stages.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { readDrawing } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { ChartFrame } from "../../parts/chart-frame.tsx";
import { useReadAt } from "../../parts/city-clock.ts";
import { useLoad, Waiting } from "../../parts/load.tsx";
import type { Sheet } from "../../parts/sheet.ts";
import { settings } from "../../settings.ts";
import { readScene, say, stageWords, type Scene } from "./definitions.ts";
import { clockOf } from "./words.ts";

interface Props {
  scene: string;
  version: number;
  /** Where the loop stands, and where it was; "" for a scene without a loop. */
  stage: string;
  passed: readonly string[];
  label: string;
  /** The id of its title, and how long the loop has stood where it stands. */
  id?: string;
  since?: string;
}

function mark(drawing: SVGSVGElement, { stage, passed }: Props, label: string): void {
  drawing.setAttribute("aria-label", label);
  drawing.classList.add("drawing");
  for (const box of drawing.querySelectorAll("rect[data-stage]")) {
    const name = box.getAttribute("data-stage") ?? "";
    if (name === stage) box.classList.add("here");
    else if (passed.includes(name)) box.classList.add("passed");
  }
}

function sheetOf(scene: Scene, { stage, passed }: Props): Sheet {
  const where = (name: string): string =>
    name === stage ? t("stageHere") : passed.includes(name) ? t("stagePassed") : "";
  const words = ["thStage", "thOwner", "thClock", "thNext"] as const;
  return {
    columns: [...words.map((key) => ({ words: t(key) })), ...(stage ? [{ words: t("thPlace") }] : [])],
    rows: scene.stages.map((one) => [
      say(one.title),
      one.owner ? say(one.owner) : "",
      clockOf(one),
      [...new Set(one.next.map(({ to }) => stageWords(scene, to)))].join(" / "),
      ...(stage ? [where(one.name)] : []),
    ]),
  };
}

export function Diagram(props: Props): JSX.Element {
  const { scene, version, stage } = props;
  const box = useRef<HTMLDivElement>(null);
  const address = `/api/v1/scenes/${scene}/diagram?plain=true&version=${version}&language=${settings.language}`;
  const drawing = useLoad(address, (signal) => readDrawing(address, signal));
  const definition = useLoad(`${scene} ${version}`, () => readScene(scene, version));
  const readAt = useReadAt(stage);
  const label = t("drawingOf", { title: props.label });
  const ready = drawing.value !== null && definition.value !== null;
  useEffect(() => {
    const element = box.current;
    if (!element || !drawing.value) return;
    const drawn = document.importNode(drawing.value.documentElement, true);
    if (!(drawn instanceof SVGSVGElement)) return;
    mark(drawn, props, label);
    element.replaceChildren(drawn);
    // a scene without a loop begins at its first stage
    const here = drawn.querySelector(".here") ?? drawn.querySelector("rect[data-stage]");
    if (!here) return;
    const [seen, all] = [here.getBoundingClientRect(), element.getBoundingClientRect()];
    element.scrollTop += seen.top - all.top - (all.height - seen.height) / 2;
    element.scrollLeft += seen.left - all.left - (all.width - seen.width) / 2;
  }, [ready, drawing.value, stage, props.passed.join(" "), label]);
  if (!drawing.value) return <Waiting loaded={drawing} />;
  if (!definition.value) return <Waiting loaded={definition} />;
  const count = definition.value.stages.length;
  return (
    <ChartFrame
      name="diagram"
      className="diagram"
      {...(props.id && { id: props.id, heading: "h2" as const })}
      what={label}
      title={
        stage
          ? [
              t("diagramHere", { count, stage: stageWords(definition.value, stage) }),
              props.since ?? "",
            ]
              .filter(Boolean)
              .join(" · ")
          : t("diagramTitle", { count, stage: say(definition.value.stages[0]!.title) })
      }
      about={props.label}
      asOf={stage ? readAt : ""}
      complete={t("sceneVersion", { version })}
      sheet={sheetOf(definition.value, props)}
    >
      <div ref={box} class="drawing-box" tabIndex={0} role="region" aria-label={label} />
    </ChartFrame>
  );
}
