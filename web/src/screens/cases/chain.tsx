// How the case hangs together with others: the chain on a time axis, possible sources with their
// reasons, the tree of cases and contacts.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, Problem, type Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { areaName, count, dayAndClock } from "../../format.ts";
import { ChartFrame } from "../../parts/chart-frame.tsx";
import { ColorChip } from "../../parts/color-chip.tsx";
import { problemWords, Waiting, type Loaded } from "../../parts/load.tsx";
import { Tree, type Branch } from "../../parts/tree.tsx";
import { follow, go } from "../../router.ts";
import { settings } from "../../settings.ts";
import { span } from "../loops/words.ts";
import { kindWords } from "./case-list.tsx";
import { ChainDrawing, chainKeys } from "./chain-drawing.tsx";
import {
  drawnEdges,
  evidenceWords,
  firstOf,
  generationWords,
  intervalWords,
  likelyEdge,
  rowsOf,
  sheetOf,
  slowest,
  type Chain,
  type Edge,
  type Node,
} from "./chain-shape.ts";

const listWords = (words: string[]): string => words.join(settings.language === "zh" ? "、" : ", ");
/** So many rows an eye follows; so many the server gives at most by its own policy. */
export const casesAtFirst = 24;
const casesAtMost = 40;
const openCase = (id: number): void => go(`/cases/${id}`);

function titleOf(chain: Chain): string {
  const generations = chain.nodes.map((node) => node.generation);
  if (chain.nodes.length === 1) return t("chainAlone");
  const slow = slowest(chain);
  const title = t("chainTitle", {
    count: chain.nodes.length,
    back: -Math.min(...generations),
    on: Math.max(...generations),
  });
  return slow
    ? `${title}${t("chainSlow", { what: t(`delay_${slow.name}`), span: span(slow.seconds), cases: slow.cases })}`
    : title;
}

/** What was not looked at or is not drawn, in words; "" where nothing. */
const cutWords = (chain: Chain): string =>
  listWords(
    chain.cut.map((what) => wordFor("cut", what) ?? what),
  );

export function ChainSection({
  chain,
  id,
  onMore,
}: {
  chain: Chain;
  id: number;
  /** Reads as many as the server gives; null where that was done. */
  onMore: (() => void) | null;
}): JSX.Element {
  const unheld = chain.nodes.filter((node) => node.held_at === null).length;
  const cut = cutWords(chain);
  const weaker = chain.edges.length - drawnEdges(chain, id).length;
  const title = titleOf(chain);
  return (
    <section aria-labelledby="chain-title" class="chain-section">
      <ChartFrame
        name="chain"
        className="lanes-chart"
        what={t("whatChain")}
        heading="h2"
        id="chain-title"
        title={title}
        about={t("caseNo", { id })}
        asOf={chain.at}
        complete={t("chainComplete", { considered: count(chain.considered), unheld, cases: chain.nodes.length })}
        sheet={sheetOf(chain)}
        keys={chainKeys()}
        keysAbove
      >
        <ChainDrawing chain={chain} own={id} label={title} onOpen={openCase} />
      </ChartFrame>
      {weaker > 0 && <p class="quiet">{t("chainWeaker", { count: weaker })}</p>}
      {cut && (
        <p class="quiet" data-cut={chain.cut.join(" ")}>
          {t("chainCut", { what: cut })}{" "}
          {onMore && chain.cut.includes("cases") && (
            <button class="button slim" type="button" onClick={onMore}>
              {t("chainMore", { count: casesAtMost })}
            </button>
          )}
        </p>
      )}
    </section>
  );
}

// ---- Possible sources

function Source({ edge, node }: { edge: Edge; node: Node | undefined }): JSX.Element {
  return (
    <li>
      <p>
        <a href={`/cases/${edge.from}`} onClick={follow}>
          {t("caseNumber", { id: edge.from })}
        </a>{" "}
        {node?.name ?? t("nameHidden")} <span class="dim">{node && areaName(node.area)}</span>{" "}
        {edge.likely && <b class="strongest">{t("sourceStrongest")}</b>}
      </p>
      <p class="small">{evidenceWords(edge)}</p>
      <p class={edge.order_known ? "small dim" : "small soon"}>{intervalWords(edge)}</p>
    </li>
  );
}

export function Sources({ chain, id }: { chain: Chain; id: number }): JSX.Element {
  const own = chain.nodes.find((node) => node.id === id);
  const edges = chain.edges.filter((edge) => edge.to === id);
  // As the server ordered them: the order of its nodes.
  const places = chain.nodes.map((node) => node.id);
  edges.sort(
    (a, b) => Number(b.likely) - Number(a.likely) || places.indexOf(a.from) - places.indexOf(b.from),
  );
  const total = own?.sources ?? edges.length;
  return (
    <section aria-labelledby="sources-title">
      <h2 id="sources-title">
        {total ? t("caseSourcesTitle", { count: total }) : t("caseSourcesNone")}
      </h2>
      <p class="small dim">{t("sourcesHint")}</p>
      <ol class="sources">
        {edges.map((edge) => (
          <Source
            key={edge.from}
            edge={edge}
            node={chain.nodes.find((node) => node.id === edge.from)}
          />
        ))}
      </ol>
      {total > edges.length && (
        <p class="quiet">{t("sourcesMore", { shown: edges.length, count: total })}</p>
      )}
      <p class="small dim">{t("sourcesUnknown")}</p>
    </section>
  );
}

// ---- The tree of cases and contacts

type Contacts = Answer<"GET /api/v1/cases/{id}/contacts">;
type Contact = Contacts["items"][number];
const contactsAtOnce = 1000;

function ContactRow({ contact }: { contact: Contact }): JSX.Element {
  return (
    <>
      <span>
        <b>{contact.name ?? t("person", { no: contact.person_no })}</b>{" "}
        {wordFor("contact", contact.level)} <ColorChip color={contact.color} />{" "}
        {contact.case !== null && <b>{t("contactIsCase", { id: contact.case })}</b>}
      </span>
      <span class="meta">
        {t("contactTimes", {
          last: dayAndClock(contact.last_exposure_at),
          known: dayAndClock(contact.known_at),
        })}
      </span>
    </>
  );
}

/** Contacts of the case, those through a close one below that one. */
function contactBranches(items: readonly Contact[]): Branch[] {
  const known = new Set(items.map((one) => one.person_no));
  const below = (via: number): Branch[] =>
    items.filter((one) => one.via === via).map((one) => branchOf(one));
  const branchOf = (contact: Contact): Branch => {
    const children = below(contact.person_no);
    return {
      id: `person-${contact.person_no}`,
      row: <ContactRow contact={contact} />,
      ...(children.length && { children }),
      ...(contact.case !== null && { onEnter: () => openCase(contact.case ?? 0) }),
    };
  };
  return items
    .filter((one) => one.via === null || !known.has(one.via))
    .map((one) => branchOf(one));
}

function CaseRow({ node, edge, own }: { node: Node; edge: Edge | undefined; own: boolean }): JSX.Element {
  const { close, secondary, general, spatiotemporal } = node.contacts;
  const all = close + secondary + general + spatiotemporal;
  const second = [
    edge &&
      `${edge.likely && edge.strong ? "" : t(edge.likely ? "treeWeak" : "treePossible")}${evidenceWords(edge)}`,
    all > 0 && t("contactsCount", { count: all, close }),
  ].filter(Boolean);
  return (
    <>
      <span>
        <b>{t("caseNumber", { id: node.id })}</b>{" "}
        {own ? (
          <b class="strongest">{t("generationOwn")}</b>
        ) : (
          <span class="dim">{generationWords(node.generation)}</span>
        )}{" "}
        {node.name ?? t("nameHidden")} {kindWords(node.kind)} {dayAndClock(firstOf(node))}
      </span>
      <span class="meta">{second.join(" · ")}</span>
    </>
  );
}

/** Who stands below whom: below the strongest possible source, else, where that one is not drawn,
 *  below the case itself as possible. */
function forestOf(chain: Chain, id: number, contacts: Branch | null): Branch[] {
  const rows = rowsOf(chain);
  const parentOf = (node: Node): Edge | undefined =>
    likelyEdge(chain, node.id) ??
    (node.generation > 0
      ? chain.edges.find((edge) => edge.to === node.id && edge.from === id)
      : undefined);
  const branchOf = (node: Node): Branch => {
    const children = rows.filter((one) => parentOf(one)?.from === node.id).map(branchOf);
    if (node.id === id && contacts) children.push(contacts);
    return {
      id: `case-${node.id}`,
      row: <CaseRow node={node} edge={parentOf(node)} own={node.id === id} />,
      children,
      open: node.generation <= 0,
      ...(node.id !== id && { onEnter: () => openCase(node.id) }),
    };
  };
  return rows
    .filter((node) => !parentOf(node))
    .filter((node) => node.id === id || rows.some((one) => parentOf(one)?.from === node.id))
    .map(branchOf);
}

export function ContactTree({
  chain,
  id,
  purpose,
}: {
  chain: Chain;
  id: number;
  purpose: string;
}): JSX.Element {
  const [read, setRead] = useState<{ items: Contact[]; more: boolean } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const own = chain.nodes.find((node) => node.id === id);
  const total = own ? Object.values(own.contacts).reduce((sum, one) => sum + one, 0) : 0;

  async function readContacts(): Promise<void> {
    try {
      const page = await call("GET /api/v1/cases/{id}/contacts", {
        path: { id },
        query: { limit: contactsAtOnce },
        purpose,
      });
      setRead({ items: page.items, more: page.next !== null });
      setProblem(null);
    } catch (reason) {
      setProblem(reason instanceof Problem ? reason : new Problem(-1, "", String(reason)));
    }
  }
  const contacts: Branch | null = total
    ? {
        id: "contacts",
        row: <b>{t("contactsTitle", { count: total })}</b>,
        children: read ? contactBranches(read.items) : [],
        onFirstOpen: () => void readContacts(),
      }
    : null;
  return (
    <section aria-labelledby="tree-title" class="tree-section">
      <h2 id="tree-title">
        {total ? t("treeTitle", { contacts: count(total) }) : t("treeTitleNone")}
      </h2>
      <p class="small dim">{t("treeHint")}</p>
      <Tree label={t("treeLabel")} branches={forestOf(chain, id, contacts)} />
      {problem && (
        <p class="notice" role="alert">
          {problemWords(problem)}
        </p>
      )}
      {read?.more && <p class="quiet">{t("contactsMore", { count: contactsAtOnce })}</p>}
    </section>
  );
}

/** In place of what hangs on the chain, while there is none. */
export function NoChain({ loaded }: { loaded: Loaded<Chain> }): JSX.Element {
  if (loaded.problem?.status === 403)
    return (
      <p class="notice" role="note">
        {t("chainForbidden")}
      </p>
    );
  return <Waiting loaded={loaded} />;
}
