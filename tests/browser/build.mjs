// What is generated or written twice: the typed client, the catalogue of words.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { check, same, test } from "./harness.mjs";

const web = (path) => new URL(`../../web/${path}`, import.meta.url);

export function buildTests({ demo }) {
  test("The typed client is what the served OpenAPI document gives", async () => {
    const made = execFileSync(
      "node",
      [web("tools/openapi-types.mjs").pathname, `${demo.url}/api/v1/openapi.json`],
      { encoding: "utf8" },
    );
    const kept = readFileSync(web("src/api/schema.ts"), "utf8");
    const [a, b] = [made.split("\n"), kept.split("\n")];
    const line = a.findIndex((text, i) => text !== b[i]);
    check(
      made === kept,
      `line ${line + 1}: the server gives "${a[line]}", src/api/schema.ts has "${b[line]}"`,
    );
  });

  const wordFiles = readdirSync(web("src/words/")).filter((name) => name !== "console.ts");
  const catalogue = wordFiles.map((name) => readFileSync(web(`src/words/${name}`), "utf8")).join("\n");

  test("Every word of the catalogue has both languages with the same places for values", async () => {
    const rows = [
      ...catalogue.matchAll(
        /^ {2}(\w+): \{ zh: "((?:[^"\\]|\\.)*)", en: "((?:[^"\\]|\\.)*)" \},$/gm,
      ),
    ];
    same(
      rows.length,
      [...catalogue.matchAll(/\bzh: "/g)].length,
      "rows in the one form that a catalogue has",
    );
    const names = rows.map(([, key]) => key);
    same(
      names.filter((key, i) => names.indexOf(key) !== i),
      [],
      "words that stand twice",
    );
    check(rows.length > 150, `rows: ${rows.length}`);
    const places = (words) => [...words.matchAll(/\{(\w+)/g)].map((match) => match[1]).sort();
    for (const [, key, zh, en] of rows) {
      check(zh && en, `${key} has both`);
      same([...new Set(places(en))], [...new Set(places(zh))], `places of ${key}`);
      check(!/[\u4e00-\u9fff]/.test(en), `${key}: Chinese in the English words`);
    }
  });

  test("Every word of the catalogue is used", async () => {
    const walk = (folder) =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory()
          ? walk(new URL(`${entry.name}/`, folder))
          : [new URL(entry.name, folder)],
      );
    const sources = walk(web("src/"))
      .filter((file) => /\.tsx?$/.test(file.pathname) && !file.pathname.includes("/words/"))
      .map((file) => readFileSync(file, "utf8"))
      .join("\n");
    const keys = [...catalogue.matchAll(/^ {2}(\w+): \{ zh:/gm)].map((match) => match[1]);
    /* keys that a name of the server completes: `state_${…}`, wordFor("state", …) */
    const built = new Set(
      [...sources.matchAll(/`(\w+)_\$\{|\bwordFor\(\s*"(\w+)"/g)].map(
        ([, first, second]) => first ?? second,
      ),
    );
    check(built.size > 5, "keys that are completed are found");
    const isBuilt = (key) => [...built].some((prefix) => key.startsWith(`${prefix}_`));
    const unused = keys.filter((key) => !isBuilt(key) && !sources.includes(`"${key}"`));
    same(unused, [], "words that nothing shows");
  });
}
