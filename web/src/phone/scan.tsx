// Scanning a venue's code with the holder's own session: by camera, picture or what is typed; with
// companions; answered on a screen that reads at two metres.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asProblem, call, requestKey, type Answer, type Problem } from "../api/client.ts";
import { t } from "../catalogue.ts";
import { Icon } from "../parts/icons.tsx";
import { problemWords } from "../parts/load.tsx";
import { useSettings } from "../parts/switches.tsx";
import { AnswerScreen, type ScanAnswer } from "./answer.tsx";
import { CodeSource } from "./camera.tsx";
import { venueCodeOf } from "./codes.ts";
import { armed, Entrance } from "./entrance.tsx";
import { colorOf, relationWord, type Family } from "./family.tsx";
import { Alert, Frame, start } from "./frame.tsx";
import { isUnanswered, patience, patiently, sendScan } from "./sending.ts";
import { useCityClock } from "./city-clock.ts";
import { Typed } from "./typed.tsx";

type Venue = Answer<"GET /api/v1/venue-codes/{code}">;

interface Scan {
  venueCode: string;
  key: string;
  companions: number[];
}
type State =
  | { name: "asking" }
  | { name: "out" }
  | { name: "ready" }
  | { name: "sending" }
  | { name: "answered"; scan: Scan; answer: ScanAnswer | null; venue: Venue | null; fault: string };

/** Why a code was not taken: said at the way in, so that another one can be tried. */
function refusalWords(problem: Problem): string {
  if (problem.status === 410) return t("venueCodeRevoked");
  if (problem.status === 404) return t("venueCodeUnknown");
  if (problem.fields.includes("venue_token")) return t("venueCodeWrong");
  return problemWords(problem);
}

function Companions(props: {
  family: Family;
  chosen: number[];
  onChange(chosen: number[]): void;
}): JSX.Element | null {
  const { family, chosen, onChange } = props;
  if (!family.members.length) return null;
  return (
    <fieldset class="companions">
      <legend>{t("scanCompanions")}</legend>
      {family.members.map((one) => (
        <label key={one.no}>
          <input
            type="checkbox"
            name="companion"
            value={one.person_no}
            checked={chosen.includes(one.person_no)}
            onChange={(event) =>
              onChange(
                event.currentTarget.checked
                  ? [...chosen, one.person_no]
                  : chosen.filter((no) => no !== one.person_no),
              )
            }
          />
          <Icon name={colorOf(one)} />
          {relationWord(one.relation)} {one.person_no}
        </label>
      ))}
    </fieldset>
  );
}

function ScanVenue(): JSX.Element {
  useSettings();
  const clock = useCityClock();
  const [state, setState] = useState<State>({ name: "asking" });
  const [family, setFamily] = useState<Family | null>(null);
  const [companions, setCompanions] = useState<number[]>([]);
  const [wrong, setWrong] = useState("");

  async function enter(): Promise<void> {
    setState({ name: "asking" });
    try {
      setFamily(await call("GET /api/v1/me/family"));
      setState({ name: "ready" });
      takeBrought();
    } catch (reason) {
      const { status } = asProblem(reason);
      if (status === 401 || status === 403) setState({ name: "out" });
      else {
        setState({ name: "ready" });
        setWrong(problemWords(asProblem(reason)));
      }
    }
  }
  /** A poster that the phone's own camera opened brings its code in the address. */
  function takeBrought(): void {
    const brought = venueCodeOf(location.hash);
    if (!brought) return;
    history.replaceState(null, "", location.pathname);
    void begin(brought);
  }
  useEffect(() => {
    void enter();
    addEventListener("hashchange", takeBrought);
    return () => removeEventListener("hashchange", takeBrought);
  }, []);

  const begin = (venueCode: string): Promise<void> =>
    send({ venueCode, key: requestKey(), companions });

  async function send(scan: Scan): Promise<void> {
    setWrong("");
    setState({ name: "sending" });
    const signal = patience();
    const about = call("GET /api/v1/venue-codes/{code}", {
      path: { code: scan.venueCode },
      signal,
    }).catch(() => null);
    try {
      await patiently(armed, signal);
      const body = {
        venue_token: scan.venueCode,
        holder: { session: "current" as const },
        companions: scan.companions.map((no) => ({ member: String(no) })),
      };
      const answer = await sendScan(scan.key, body, signal);
      setState({ name: "answered", scan, answer, venue: await about, fault: "" });
    } catch (reason) {
      const problem = asProblem(reason);
      if (problem.status === 401) setState({ name: "out" });
      else if (isUnanswered(problem))
        setState({ name: "answered", scan, answer: null, venue: await about, fault: "" });
      else {
        setState({ name: "ready" });
        setWrong(refusalWords(problem));
      }
    }
  }

  if (state.name === "answered")
    return (
      <AnswerScreen
        answer={state.answer}
        venue={state.venue?.name ?? t("scanVenue")}
        clock={clock}
        companions={state.scan.companions.length}
      >
        {state.answer ? (
          <button class="button" type="button" onClick={() => (location.href = "/me")}>
            {t("myCode")}
          </button>
        ) : (
          <button class="button main" type="button" onClick={() => void send(state.scan)}>
            {t("retry")}
          </button>
        )}
        <button
          class={`button ${state.answer ? "main" : ""}`}
          type="button"
          onClick={() => setState({ name: "ready" })}
        >
          {t("scanAgain")}
        </button>
      </AnswerScreen>
    );
  return (
    <Frame title={t("scanVenue")}>
      {(state.name === "asking" || state.name === "sending") && (
        <p role="status" class="phone-wait">
          {t(state.name === "asking" ? "loading" : "scanSending")}…
        </p>
      )}
      {state.name === "out" && <Entrance onEnter={() => void enter()} />}
      {state.name === "ready" && (
        <>
          <Alert words={wrong} />
          {family && (
            <Companions family={family} chosen={companions} onChange={setCompanions} />
          )}
          <CodeSource
            onText={(text) => {
              const code = venueCodeOf(text);
              if (code) void begin(code);
              else setWrong(t("venueCodeOther"));
            }}
          />
          <Typed
            label={t("venueCodeTyped")}
            hint="ABCDE-FGHJK-M"
            act={t("scanAct")}
            onTyped={(text) => void begin(venueCodeOf(text) ?? text)}
          />
          <p class="quiet">{t("scanMeans")}</p>
        </>
      )}
    </Frame>
  );
}

start(<ScanVenue />);
