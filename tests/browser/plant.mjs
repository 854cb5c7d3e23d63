// A case of our own in the demo city, imported as a city would: its venues have names that would do
// harm if a page took them for markup, and each grade of evidence stands on its own day.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, work } from "./harness.mjs";

export const evilVenue = `<img src=x onerror="document.title='taken'">&amp;<b>店</b>`;
export const evilName = "<script>document.title='taken'</script>";

const csv = (rows) =>
  rows
    .map((row) => row.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(","))
    .join("\n") + "\n";

function importRows(data, kind, rows) {
  const file = join(work, `${kind}.csv`);
  writeFileSync(file, csv(rows));
  const report = JSON.parse(command(data, ["import", kind, file, "--source", "planted"]));
  if (report.rejected || !report.inserted)
    throw new Error(`import of ${kind}: ${JSON.stringify(report)}`);
}

/** Companions of the case: enough that a list must draw less than it holds. */
export const companions = 250;

/** Three cases of which each met the next, two days before that one fell ill; before the planted case,
 *  which stays the latest entry. */
function plantChain(data) {
  const people = ["chain0", "chain1", "chain2"];
  importRows(data, "persons", [
    ["person_id", "name", "area"],
    ...people.map((id) => [id, "链中人", "320402001"]),
  ]);
  importRows(data, "venues", [
    ["venue_id", "area", "name", "category"],
    ["chain-a", "320402001", "天宁测试车间", "factory"],
    ["chain-b", "320402001", "天宁测试食堂", "restaurant"],
  ]);
  importRows(data, "checkins", [
    ["person_id", "venue_id", "time", "mode", "evidence"],
    ["chain0", "chain-a", "2022-04-06T12:00:00+08:00", "staff_scans_person", "attended"],
    ["chain1", "chain-a", "2022-04-06T12:03:00+08:00", "staff_scans_person", "attended"],
    ["chain1", "chain-b", "2022-04-09T12:00:00+08:00", "staff_scans_person", "attended"],
    ["chain2", "chain-b", "2022-04-09T12:01:00+08:00", "staff_scans_person", "attended"],
  ]);
  importRows(data, "cases", [
    ["case_id", "area", "person_id", "kind", "at", "recorded_at"],
    ...[
      ["chain0", "case", "2022-04-06T08:00:00+08:00", "2022-04-07T10:00:00+08:00"],
      ["chain1", "case", "2022-04-09T08:00:00+08:00", "2022-04-10T14:00:00+08:00"],
      ["chain2", "asymptomatic", "2022-04-12T09:00:00+08:00", "2022-04-12T15:30:00+08:00"],
    ].map(([person, kind, at, reported]) => [person, "320402001", person, kind, at, reported]),
  ]);
}

/** A case that was at work an hour before it became infectious, with a colleague; a close contact before
 *  it was a case. */
export const earlyName = "早到人";
function plantUnderWay(data) {
  importRows(data, "persons", [
    ["person_id", "name", "area"],
    ["early", earlyName, "320402001"],
    ["early-mate", "早到同事", "320402001"],
  ]);
  importRows(data, "venues", [
    ["venue_id", "area", "name", "category"],
    ["early-firm", "320402001", "天宁测试企业", "enterprise"],
  ]);
  importRows(data, "checkins", [
    ["person_id", "venue_id", "time", "mode", "evidence"],
    ["early", "early-firm", "2022-04-05T08:00:00+08:00", "staff_scans_person", "attended"],
    ["early", "early-firm", "2022-04-06T11:00:00+08:00", "staff_scans_person", "attended"],
    ["early-mate", "early-firm", "2022-04-06T11:05:00+08:00", "staff_scans_person", "attended"],
  ]);
  importRows(data, "evidence", [
    ["evidence_id", "person_id", "kind", "recorded_at", "at"],
    ["early-1", "early", "close_contact", "2022-04-07T09:00:00+08:00", "2022-04-06T20:00:00+08:00"],
    ["early-2", "early", "case", "2022-04-10T13:00:00+08:00", "2022-04-10T12:00:00+08:00"],
  ]);
  importRows(data, "cases", [
    ["case_id", "area", "person_id", "kind", "at", "recorded_at"],
    [
      "early",
      "320402001",
      "early",
      "case",
      "2022-04-10T12:00:00+08:00",
      "2022-04-10T13:00:00+08:00",
    ],
  ]);
}

/** A cinema that many visit by noon, until today; yesterday evening's scan keeps it in use. */
export const stilledVenue = "天宁测试影院";
function plantStilled(data) {
  importRows(data, "venues", [
    ["venue_id", "area", "name", "category"],
    ["stilled", "320402001", stilledVenue, "cinema"],
  ]);
  const visits = Array.from({ length: 7 }, (_, day) => day + 7).flatMap((day) =>
    Array.from({ length: 25 }, (_, i) => [
      `friend${i + 100}`,
      "stilled",
      `2022-04-${String(day).padStart(2, "0")}T11:${String(10 + i)}:00+08:00`,
    ]),
  );
  visits.push(["friend100", "stilled", "2022-04-13T20:00:00+08:00"]);
  importRows(data, "checkins", [["person_id", "venue_id", "time"], ...visits]);
}

/** Returns what was planted. */
export function plant(data) {
  plantChain(data);
  plantUnderWay(data);
  const people = ["index", ...Array.from({ length: companions }, (_, i) => `friend${i}`)];
  importRows(data, "persons", [
    ["person_id", "name", "area"],
    ...people.map((id, i) => [
      id,
      i === 1 ? evilName : "测试人",
      i === 2 ? "320481001" : "320402001",
    ]),
  ]);
  importRows(data, "venues", [
    ["venue_id", "area", "name", "category"],
    ["evil", "320402001", evilVenue, "shop"],
    ["office", "320402001", "天宁测试写字楼", "office"],
    ["quiet", "320402001", "天宁测试面馆", "restaurant"],
  ]);
  const visits = [
    ["index", "evil", "2022-04-08T09:00:00+08:00", "person_scans_venue", "claimed"],
    ["index", "office", "2022-04-09T09:00:00+08:00", "person_scans_venue", "rotating"],
    ["index", "office", "2022-04-10T09:00:00+08:00", "staff_scans_person", "attended"],
    ["index", "quiet", "2022-04-10T12:12:00+08:00", "device", "sealed"],
    ["friend0", "evil", "2022-04-08T09:04:00+08:00", "person_scans_venue", "claimed"],
    ...people
      .slice(2)
      .map((id, i) => [
        id,
        "office",
        `2022-04-10T${String(9 + Math.floor(i / 60)).padStart(2, "0")}:${String(i % 60).padStart(2, "0")}:30+08:00`,
        "staff_scans_person",
        "attended",
      ]),
  ];
  importRows(data, "checkins", [["person_id", "venue_id", "time", "mode", "evidence"], ...visits]);
  importRows(data, "cases", [
    ["case_id", "area", "person_id", "kind", "at", "recorded_at"],
    [
      "planted",
      "320402001",
      "index",
      "case",
      "2022-04-11T08:00:00+08:00",
      "2022-04-12T14:00:00+08:00",
    ],
  ]);
  plantStilled(data);
  return { visits: visits.filter(([person]) => person === "index") };
}

/** A real city in which scans of some days only are on record: by day, how many. */
export function plantDays(name) {
  const data = join(work, name);
  command(data, ["init"]);
  const dayBefore = (days) =>
    new Date(Date.now() + 8 * 3_600_000 - days * 86_400_000).toISOString().slice(0, 10);
  const known = new Map([
    [dayBefore(9), 20],
    [dayBefore(4), 12],
    [dayBefore(3), 16],
  ]);
  importRows(data, "venues", [
    ["venue_id", "area", "name", "category"],
    ["shop", "320402001", "天宁测试商店", "shop"],
  ]);
  const rows = [...known].flatMap(([day, count]) =>
    Array.from({ length: count }, (_, i) => [`p${i}`, "shop", `${day}T10:${10 + i}:00+08:00`]),
  );
  importRows(data, "persons", [
    ["person_id", "name", "area"],
    ...Array.from({ length: 20 }, (_, i) => [`p${i}`, "测试人", "320402001"]),
  ]);
  importRows(data, "checkins", [["person_id", "venue_id", "time"], ...rows]);
  return { data, known };
}
