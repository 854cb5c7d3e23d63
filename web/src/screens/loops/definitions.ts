// What the pages of loops know besides the loops: scenes by version, and areas by code. Read once a
// page's life; a scene that was loaded since is found when it is first asked for.
import { call, type Answer } from "../../api/client.ts";
import { settings } from "../../settings.ts";
import { areaName } from "../../format.ts";

export type Scene = Answer<"GET /api/v1/scenes/{name}">;
export type SceneHead = Answer<"GET /api/v1/scenes">["items"][number];
export type Field = Scene["fields"][number];
export type Stage = Scene["stages"][number];
export type Area = Answer<"GET /api/v1/areas">["items"][number];
export interface Words {
  zh: string;
  en: string;
}

export const say = (words: Words): string => words[settings.language];

const scenes = new Map<string, Scene>();

export async function readScene(name: string, version: number | null): Promise<Scene> {
  const key = `${name} ${version ?? ""}`;
  const kept = version === null ? undefined : scenes.get(key);
  if (kept) return kept;
  const scene = await call("GET /api/v1/scenes/{name}", {
    path: { name },
    query: version === null ? {} : { version },
  });
  scenes.set(`${name} ${scene.version}`, scene);
  return scene;
}

export const stageOf = (scene: Scene, name: string): Stage | undefined =>
  scene.stages.find((stage) => stage.name === name);
export const stageWords = (scene: Scene | null, name: string): string => {
  const stage = scene ? stageOf(scene, name) : undefined;
  return stage ? say(stage.title) : name;
};

let areas: Map<string, Area> | null = null;

export async function readAreas(): Promise<Map<string, Area>> {
  if (!areas) {
    const answer = await call("GET /api/v1/areas");
    areas = new Map(answer.items.map((area) => [area.code, area]));
  }
  return areas;
}

/** Whether an area is the other one or a part of it. */
export function isWithin(areas: ReadonlyMap<string, Area>, code: string, whole: string): boolean {
  for (let at: string | null = code; at; at = areas.get(at)?.parent ?? null)
    if (at === whole) return true;
  return false;
}

/** The name of an area, its code where the name is not known (yet). */
export const areaWords = (code: string | null): string => {
  if (!code) return "";
  const area = areas?.get(code);
  return area ? areaName(area) : code;
};
