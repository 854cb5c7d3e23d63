// The second factor (RFC 6238) at both log-ins: asked for only where the password fits and the account
// has one, refused where it is wrong, on the console and on a phone.
import { createHmac } from "node:crypto";
import { axeFindings, check, command, openPage, picture, same, test, textOf } from "./harness.mjs";
import { phone } from "./phone.mjs";

const password = "a-long-password";
const accounts = { factor_auditor: "auditor", factor_staff: "venue_staff" };

/** Accounts with a second factor, before the city is served; their secrets by name. */
export function plantFactors(data) {
  const secrets = new Map();
  for (const [name, role] of Object.entries(accounts)) {
    command(data, ["user", "add", name, "--role", role, "--area", "320400"], `${password}\n`);
    secrets.set(name, /secret=([A-Z2-7]+)/.exec(command(data, ["user", "factor", name]))[1]);
  }
  return secrets;
}

/** The six digits that an authenticator shows at that second. */
function codeAt(secret, second) {
  const bits = [...secret]
    .map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(second / 30)));
  const mac = createHmac("sha1", key).update(step).digest();
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** A code that is good now, by the clock of an authenticator (a demo city's own is another), and one
 * that is not. */
function codes(secret) {
  const good = codeAt(secret, Date.now() / 1000);
  return { good, wrong: String((Number(good) + 500_000) % 1_000_000).padStart(6, "0") };
}

/** A code is good once: the next log-in of the same account needs the next step's. */
const nextStep = () =>
  new Promise((done) => setTimeout(done, (31 - ((Date.now() / 1000) % 30)) * 1000));

export function secondFactorTests({ demo, secrets }) {
  for (const [name, path, inside, look] of [
    ["factor_auditor", "/", ".nav", {}],
    ["factor_staff", "/staff", "[name=typed]", phone],
  ])
    for (const language of ["zh", "en"])
      test(`The second factor is asked for after the password, at ${path} (${language})`, async () => {
        if (language === "en") await nextStep();
        const { page, faults, close } = await openPage(demo, { ...look, language });
        await page.goto(path);
        await page.fill("[name=name]", name);
        await page.fill("[name=password]", "not the password");
        await page.click("[type=submit]");
        await page.waitForSelector("[role=alert]");
        same(await page.isVisible("[name=code]"), false, "a wrong password asks for no code");
        await page.fill("[name=password]", password);
        await page.keyboard.press("Enter");
        await page.waitForSelector("[name=code]");
        same(await axeFindings(page), [], "axe with the field");
        await picture(page, `second-factor-${name}-${language}`);
        const { good, wrong } = codes(secrets.get(name));
        await page.fill("[name=code]", wrong);
        await page.keyboard.press("Enter");
        await page.waitForSelector("[role=alert]");
        check((await textOf(page, "[role=alert]")).length > 0, "refused in words");
        same(await page.isVisible(inside), false, "nothing of the inside is shown");
        await page.fill("[name=code]", good);
        await page.keyboard.press("Enter");
        await page.waitForSelector(inside);
        same(faults, [], "faults");
        await close();
      });
}
