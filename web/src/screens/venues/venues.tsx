// Venues: coverage on the one side, on the other the list behind a cell, a venue, or a spreadsheet.
// The address names all of it, so that Esc, a link and the browser's own buttons come back.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { areaName, clock, count } from "../../format.ts";
import { Icon } from "../../parts/icons.tsx";
import { problemWords, useLoad, Waiting } from "../../parts/load.tsx";
import { follow, go, usePlace } from "../../router.ts";
import type { Session } from "../login.tsx";
import { addressOf, narrowingOf, type Narrowing } from "./address.ts";
import { CoverageTable } from "./coverage.tsx";
import { ledeOf, sumOf, type Coverage } from "./figures.ts";
import { VenueList } from "./list.tsx";
import { UploadPane } from "./upload.tsx";
import { VenuePane } from "./venue.tsx";

const minute = 60_000;

interface HeadProps {
  coverage: Coverage;
  narrowing: Narrowing;
  mayImport: boolean;
}

function Head({ coverage, narrowing, mayImport }: HeadProps): JSX.Element {
  const all = sumOf(coverage.items);
  const door = (state: Narrowing["state"]): string =>
    addressOf("/venues", { ...narrowing, area: narrowing.of, category: "", state, name: "" });
  return (
    <header class="venues-head">
      <h1>{ledeOf(coverage)}</h1>
      <p class="venue-doors">
        {all.silent !== null && all.silent > 0 && (
          <a href={door("silent")} onClick={follow}>
            <Icon name="silent" />
            {t("doorSilent", { count: count(all.silent) })}
          </a>
        )}
        {all.suspected > 0 && (
          <a class="late" href={door("suspected")} onClick={follow}>
            <Icon name="late" />
            {t("doorSuspected", { count: count(all.suspected) })}
          </a>
        )}
        {all.suspected === 0 && <span class="dim">{t("noneSuspected")}</span>}
        <span class="quiet">{t("asOf", { time: clock(coverage.true_for) })}</span>
        {mayImport && (
          <a class="button slim" href={addressOf("/venues/import", narrowing)} onClick={follow}>
            {t("uploadOpen")}
          </a>
        )}
      </p>
      {narrowing.of && (
        <p>
          <a
            class="button slim"
            href={addressOf("/venues", { ...narrowing, of: "", area: "", category: "" })}
            onClick={follow}
          >
            {t("areaUp", { name: areaName(coverage.areas.at(-1) ?? null) })}
          </a>
        </p>
      )}
    </header>
  );
}

export function VenuesScreen({ reader }: { reader: Session }): JSX.Element {
  const { path, query } = usePlace();
  const may = (permission: string): boolean => reader.permissions.includes(permission);
  const narrowing = narrowingOf(query);
  const no = Number(/^\/venues\/([1-9]\d{0,15})$/.exec(path)?.[1] ?? 0);
  const upload = path === "/venues/import" && may("import.run");
  const last = useRef(no);
  if (no) last.current = no;
  const [turn, setTurn] = useState(0);
  const coverage = useLoad(`coverage ${narrowing.of}`, (signal) =>
    call("GET /api/v1/venues/coverage", { query: { area: narrowing.of }, signal }),
  );
  const { reload } = coverage;
  useEffect(() => {
    if (turn) reload();
  }, [turn]);
  useEffect(() => {
    const timer = setInterval(reload, minute);
    return () => clearInterval(timer);
  }, [reload]);
  const comesBack = useRef(false);
  const toList = (): void => {
    comesBack.current = true;
    go(addressOf("/venues", narrowing));
  };
  const changed = (): void => setTurn((old) => old + 1);
  const detail = no > 0 || upload;
  return (
    <div class={`venues${detail ? " with-detail" : ""}`}>
      <div class="venues-left">
        {coverage.value ? (
          <>
            <Head coverage={coverage.value} narrowing={narrowing} mayImport={may("import.run")} />
            {coverage.problem && (
              <p class="notice bad" role="alert">
                {problemWords(coverage.problem)}
              </p>
            )}
            <CoverageTable
              coverage={coverage.value}
              narrowing={narrowing}
              onDoor={() => requestAnimationFrame(() => document.querySelector(".venues-right")?.scrollIntoView({ block: "nearest" }))}
            />
          </>
        ) : (
          <Waiting loaded={coverage} />
        )}
      </div>
      <div class="venues-right">
        {no ? (
          <VenuePane
            key={no}
            no={no}
            rights={{
              manage: may("venue.manage"),
              loops: may("loop.read") && may("loop.area"),
            }}
            onBack={toList}
            onChange={changed}
          />
        ) : upload ? (
          <UploadPane onBack={toList} onChange={changed} />
        ) : (
          <VenueList
            narrowing={narrowing}
            turn={turn}
            open={last.current}
            takesFocus={() => {
              const asked = comesBack.current;
              comesBack.current = false;
              return asked;
            }}
            onNarrow={(change) => go(addressOf("/venues", { ...narrowing, ...change }), true)}
            onOpen={(chosen) => go(addressOf(`/venues/${chosen}`, narrowing))}
          />
        )}
      </div>
    </div>
  );
}
