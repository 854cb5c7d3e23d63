// The typed client: each call names an operation of schema.ts, which is generated from the server.
import type { Operations } from "./schema.ts";

type Name = keyof Operations;
type ApiName = Extract<Name, `${string} /api/v1/${string}`>;
export type Answer<N extends Name> = Operations[N]["answer"];

interface CallOptions<N extends Name> {
  path?: Operations[N]["path"];
  query?: Operations[N]["query"];
  /** What an opened identity is for: `case:ID`, `duty:NAME`. The server records it. */
  purpose?: string;
  body?: Operations[N]["body"];
  /** The same for a request that is sent again: it is then answered as the first. */
  key?: string;
  /** A body that is no JSON: a sheet, a picture. */
  file?: Blob;
  signal?: AbortSignal;
  /** Goes out although the page is being left. */
  lasting?: boolean;
}

export interface Refusal {
  field: string;
  reason: string;
}

/** What a call was for: to know something, to log in, or to change something; a change that is sent
 *  again is done once more, or is the same one (by its key, or by its method). */
type Aim = "read" | "log-in" | "change" | "same change";

/** Why a call did not give an answer. `status` is 0 where no server answered: of a change it is then
 *  not known whether it was made. */
export class Problem extends Error {
  readonly status: number;
  readonly kind: string;
  /** What is wrong with which field, in the server's words. */
  readonly errors: Refusal[];
  /** The kind of problem in Chinese; its words are English. */
  readonly titleChinese: string;
  aim: Aim = "read";
  constructor(
    status: number,
    kind: string,
    words: string,
    errors: Refusal[] = [],
    titleChinese = "",
  ) {
    super(words);
    this.status = status;
    this.kind = kind;
    this.errors = errors;
    this.titleChinese = titleChinese;
  }

  /** The fields that the problem names. */
  get fields(): string[] {
    return this.errors.map(({ field }) => field);
  }
}

let csrf = "";
let onSessionEnd: () => void = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}

/** Called when the server says that nobody is logged in. */
export function whenSessionEnds(act: () => void): void {
  onSessionEnd = act;
}

/** A key that makes a request sent again the same request; also where there is no secure context. */
export function requestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function addressOf(template: string, path: Record<string, string | number>, query: object): string {
  const address = template.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(path[name] ?? "")),
  );
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") fields.set(name, String(value));
  const text = fields.toString();
  return text ? `${address}?${text}` : address;
}

async function problemOf(response: Response): Promise<Problem> {
  return readProblem(response.status, response.statusText, await response.text().catch(() => ""));
}

function readProblem(status: number, otherwise: string, text: string): Problem {
  let words = otherwise;
  let kind = "";
  let errors: Refusal[] = [];
  let titleChinese = "";
  try {
    const body = JSON.parse(text) as {
      title?: string;
      detail?: string;
      title_zh?: string;
      type?: string;
      errors?: Refusal[];
    };
    words = body.detail ?? body.title ?? words;
    kind = body.type ?? "";
    errors = body.errors ?? [];
    titleChinese = body.title_zh ?? "";
  } catch {
    // A proxy may answer in its own words: the status says enough.
  }
  return new Problem(status, kind, words, errors, titleChinese);
}

/** Whatever was thrown, as a problem. */
export const asProblem = (reason: unknown): Problem =>
  reason instanceof Problem ? reason : new Problem(-1, "", String(reason));

/** An answer that is a drawing. Parsed by the browser as it comes: no text becomes markup here, which
 * the content security policy would refuse. */
export function readDrawing(address: string, signal: AbortSignal): Promise<Document> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => {
      const drawing = request.status === 200 ? request.responseXML : null;
      if (drawing) done(drawing);
      else fail(new Problem(request.status, "", request.statusText));
    };
    request.onerror = () => fail(new Problem(0, "", "no answer"));
    request.onabort = () => fail(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send();
  });
}

async function read(address: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, {
      cache: "no-store",
      credentials: "same-origin",
      ...(signal && { signal }),
    });
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === "AbortError") throw reason;
    throw new Problem(0, "", "no answer");
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401) onSessionEnd();
    throw problem;
  }
  return response;
}

/** An answer that is a text for people. */
export const readText = async (address: string, signal: AbortSignal): Promise<string> =>
  (await read(address, signal)).text();

/** An answer that is a picture. Never stored: neither by the browser nor, beyond its page, here. */
export const readBytes = async (address: string): Promise<Blob> => (await read(address)).blob();

/** Sends bytes and tells how much of them is on its way, 0 to 1: fetch cannot. */
export function sendBytes<N extends ApiName>(
  name: N,
  bytes: Blob,
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<Answer<N>> {
  return new Promise((done, fail) => {
    const [method, address] = name.split(" ") as [string, string];
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", bytes.type || "application/octet-stream");
    if (csrf) request.setRequestHeader("X-CSRF-Token", csrf);
    request.upload.onprogress = ({ loaded, total }) => onShare(total ? loaded / total : 0);
    const refuse = (problem: Problem): void => fail(Object.assign(problem, { aim: aimOf(name) }));
    request.onload = () => {
      if (request.status < 300) {
        done(JSON.parse(request.responseText) as Answer<N>);
        return;
      }
      if (request.status === 401) onSessionEnd();
      refuse(readProblem(request.status, request.statusText, request.responseText));
    };
    request.onerror = () => refuse(new Problem(0, "", "no answer"));
    request.onabort = () => fail(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(bytes);
  });
}

function aimOf(name: ApiName, key?: string): Aim {
  if (name.startsWith("GET ")) return "read";
  if (name === "POST /api/v1/sessions") return "log-in";
  return key || !name.startsWith("POST ") ? "same change" : "change";
}

export async function call<N extends ApiName>(
  name: N,
  options: CallOptions<N> = {},
): Promise<Answer<N>> {
  try {
    return await send(name, options);
  } catch (reason) {
    if (reason instanceof Problem) reason.aim = aimOf(name, options.key);
    throw reason;
  }
}

async function send<N extends ApiName>(name: N, options: CallOptions<N>): Promise<Answer<N>> {
  const [method, template] = name.split(" ") as [string, string];
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.purpose) headers["X-Purpose"] = options.purpose;
  if (options.key) headers["Idempotency-Key"] = options.key;
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  const request: RequestInit = { method, headers, cache: "no-store", credentials: "same-origin" };
  if (options.signal) request.signal = options.signal;
  if (options.lasting) request.keepalive = true;
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(options.body);
  } else if (options.file) {
    headers["Content-Type"] = options.file.type || "application/octet-stream";
    request.body = options.file;
  }
  const path = (options.path ?? {}) as Record<string, string | number>;
  let response: Response;
  try {
    response = await fetch(addressOf(template, path, options.query ?? {}), request);
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === "AbortError") throw reason;
    throw new Problem(0, "", "no answer");
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401 && !template.endsWith("/sessions")) onSessionEnd();
    throw problem;
  }
  return (await response.json()) as Answer<N>;
}
