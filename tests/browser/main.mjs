// The browser tests. Cities: a demo of 3,000 that lives, and one that holds nothing at all.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plant } from "./plant.mjs";
import { command, endAll, openBrowser, runAll, serve, work } from "./harness.mjs";
import { frameTests } from "./frame.mjs";
import { situationTests } from "./situation.mjs";
import { alertTests } from "./alerts.mjs";
import { pastTests } from "./past.mjs";
import { caseTests } from "./cases.mjs";
import { liveTests } from "./live.mjs";
import { chainTests } from "./chains.mjs";
import { loopTests } from "./loops.mjs";
import { listTests } from "./lists.mjs";
import { loopPageTests } from "./loop-page.mjs";
import { rulesTests } from "./rules.mjs";
import { systemTests } from "./system.mjs";
import { reachTests } from "./reach.mjs";
import { peopleTests, plantPeople } from "./people.mjs";
import { phoneTests } from "./phone.mjs";
import { phoneCodeTests } from "./phone-code.mjs";
import { phoneOfflineTests } from "./phone-offline.mjs";
import { phoneScanTests } from "./phone-scan.mjs";
import { phoneTlsTests } from "./phone-tls.mjs";
import { phoneStaffTests } from "./phone-staff.mjs";
import { plantFactors, secondFactorTests } from "./second-factor.mjs";
import { chartTests } from "./charts.mjs";
import { venueTests } from "./venues.mjs";
import { buildTests } from "./build.mjs";

const demoData = join(work, "demo");
const emptyData = join(work, "empty");
let failed = 1;
try {
  command(demoData, ["init", "--demo", "--people", "3000"]);
  command(emptyData, ["init"]);
  command(
    emptyData,
    ["user", "add", "duty", "--role", "command", "--area", "320400"],
    "a-long-password\n",
  );
  command(
    demoData,
    ["user", "add", "liyang", "--role", "district_duty", "--area", "320481"],
    "a-long-password\n",
  );
  command(
    demoData,
    ["user", "add", "wujin", "--role", "epidemiologist", "--area", "320412"],
    "a-long-password\n",
  );
  /* the city lives, but nothing is opened for show between two steps of a test */
  const policy = readFileSync(new URL("../../policies/demo_city.yaml", import.meta.url), "utf8");
  mkdirSync(join(demoData, "policies"), { recursive: true });
  writeFileSync(
    join(demoData, "policies", "demo_city.yaml"),
    policy.replace("matters_a_scene: {value: 3", "matters_a_scene: {value: 0"),
  );
  /* so small that a picture of noise is refused: a real one of telephones is far below the limit */
  const photos = readFileSync(new URL("../../policies/photos.yaml", import.meta.url), "utf8");
  writeFileSync(
    join(demoData, "policies", "photos.yaml"),
    photos.replace("bytes_max: {value: 8388608", "bytes_max: {value: 300000"),
  );
  const plantedCase = plant(demoData);
  plantPeople(demoData);
  const secrets = plantFactors(demoData);
  const demo = await serve(demoData);
  const empty = await serve(emptyData);
  await openBrowser();
  const world = {
    demo,
    empty,
    demoData,
    plantedCase,
    secrets,
    emptyPassword: "a-long-password",
    districtPassword: "a-long-password",
  };
  frameTests(world);
  secondFactorTests(world);
  situationTests(world);
  alertTests(world);
  pastTests(world);
  caseTests(world);
  chainTests(world);
  loopTests(world);
  listTests();
  liveTests();
  loopPageTests(world);
  venueTests(world);
  peopleTests(world);
  phoneTests(world);
  phoneCodeTests(world);
  phoneScanTests(world);
  phoneStaffTests(world);
  phoneOfflineTests(world);
  phoneTlsTests();
  rulesTests(world);
  systemTests(world);
  reachTests(world);
  chartTests(world);
  buildTests(world);
  failed = await runAll();
} catch (reason) {
  console.log(`Bail out! ${reason.message}`);
} finally {
  await endAll();
}
process.exit(failed ? 1 : 0);
