/** One way to ask the API: with the session's cookie, big numbers kept, problems as errors. */

import { hear } from "./clock";
import { parse, write as written } from "./json";

export const BASE = "/api/v1";

/** An answer that is not what was asked for (RFC 9457), or none at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** All that the problem says: `errors` among it, one for each place of the body. */
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

export interface Session {
  subject: string;
  owners: string[];
  scopes: string[];
  expires_at: string | null;
  csrf_token: string;
  zone: string | null;
}

let known: Session | null = null;
let leaving = new AbortController();

/** An answer with what its headers say of it. */
export interface Answered<Value> {
  value: Value;
  /** The version of what was read: what `If-Match` of a change names. */
  etag: string | null;
  /** Of a list: how many there are on all pages. */
  total: number | null;
}

export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return (await read<Answer>(path, signal)).value;
}

export function read<Answer>(path: string, signal?: AbortSignal): Promise<Answered<Answer>> {
  const signals = [leaving.signal, ...(signal ? [signal] : [])];
  return ask<Answer>(BASE + path, { signal: AbortSignal.any(signals) });
}

/** With a key it is done once, however often it is sent. */
export async function post<Answer>(path: string, body: unknown, key?: string): Promise<Answer> {
  const more: Record<string, string> = key ? { "Idempotency-Key": key } : {};
  return (await write<Answer>("POST", BASE + path, body, more)).value;
}

export type Method = "POST" | "PUT" | "PATCH" | "DELETE";

/** Change something; with the ETag of what was read it fails (412) if somebody else was quicker. */
export function change<Answer>(
  method: Method,
  path: string,
  body?: unknown,
  etag?: string | null,
): Promise<Answered<Answer>> {
  return write<Answer>(method, BASE + path, body, etag ? { "If-Match": etag } : {});
}

export async function session(): Promise<Session> {
  const { value } = await ask<Session>("/console/session", {});
  known = value;
  return value;
}

export async function signOut(): Promise<void> {
  // What is still being asked for would be answered 401, and lead back to this page.
  leaving.abort();
  leaving = new AbortController();
  await write("POST", "/console/sign-out", {});
  location.assign("/console/sign-in");
}

async function write<Answer>(
  method: Method,
  address: string,
  body: unknown,
  more: Record<string, string> = {},
): Promise<Answered<Answer>> {
  // A page may have something to say before it has heard who is signed in.
  if (known === null) await session();
  const text = body === undefined ? null : written(body);
  const type = text === null ? {} : { "Content-Type": "application/json" };
  const send = () => {
    const headers = { "X-CSRF-Token": known?.csrf_token ?? "", ...type, ...more };
    return ask<Answer>(address, { method, headers, ...(text === null ? {} : { body: text }) });
  };
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof Problem && error.code === "csrf_failed")) throw error;
    await requireSamePerson();
    return send();
  }
}

/** Signed in anew in another tab, one has another CSRF token, and nothing else is different. */
async function requireSamePerson(): Promise<void> {
  const before = known;
  const now = await session();
  if (before === null || before.subject === now.subject) return;
  known = before; // nothing of the one is done in the name of the other
  const words = `${now.subject} has signed in meanwhile, in another tab. Load the page again.`;
  throw new Problem(403, "csrf_failed", words);
}

/** Whether a browser asks for just that: with `..` in an id it would ask for something else. */
export const isStraight = (address: string): boolean => {
  const [path = ""] = address.split(/[?#]/);
  return new URL(path, "http://x").pathname === path;
};

async function ask<Answer>(address: string, options: RequestInit): Promise<Answered<Answer>> {
  if (!isStraight(address)) throw new Problem(404, "not_found", "There is no such address.");
  const headers = { Accept: "application/json", ...options.headers };
  const asked = Date.now();
  const answer = await fetch(address, { ...options, headers, redirect: "manual" }).catch(
    (error) => {
      if (options.signal?.aborted) throw error;
      throw new Problem(0, "unreachable", "The server cannot be reached.");
    },
  );
  hear(answer.headers.get("Date"), asked);
  if (answer.ok || answer.type === "opaqueredirect") return answered<Answer>(answer);
  if (answer.status === 401) sessionEnded();
  throw await problemOf(answer);
}

async function answered<Answer>(answer: Response): Promise<Answered<Answer>> {
  // Signing out is answered with the way to the sign-in page, and a deletion with nothing.
  const text = answer.ok ? await answer.text() : "";
  const total = answer.headers.get("X-Total-Count");
  return {
    value: (text ? parse(text) : null) as Answer,
    etag: answer.headers.get("ETag"),
    total: total === null ? null : Number(total),
  };
}

async function problemOf(answer: Response): Promise<Problem> {
  const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  const message = body.detail ?? body.title ?? `The server answered ${answer.status}.`;
  const code = String(body.code ?? `http_${answer.status}`);
  return new Problem(answer.status, code, String(message), body);
}

let otherwise: () => void = toSignIn;
let keeping: (() => void) | null = null;

/** What every page does when the session ends. */
export function whenSessionEnds(act: () => void): () => void {
  otherwise = act;
  return () => {
    otherwise = toSignIn;
  };
}

/** For a page that has its own way of it: *keep* is called in place of that. */
export function keepWhenSessionEnds(keep: () => void): () => void {
  keeping = keep;
  return () => {
    keeping = null;
  };
}

/** The API has answered that nobody is signed in. */
export const sessionEnded = (): void => (keeping ?? otherwise)();

/** Sign in as the page at the door does; returns why not, or null. */
export async function signInWith(token: string): Promise<string | null> {
  const door = "/console/sign-in";
  const asked = await pageOf(await fetch(door).catch(() => null));
  const csrf = asked?.querySelector<HTMLInputElement>('input[name="csrf"]')?.value;
  if (csrf === undefined) return asked ? null : "The server cannot be reached.";
  const body = new URLSearchParams({ csrf, token });
  const answer = await fetch(door, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect") return null;
  const said = (await pageOf(answer))?.querySelector(".alert")?.textContent;
  return said?.replace("!", "").trim() || "This was not accepted.";
}

const pageOf = async (answer: Response | null): Promise<Document | null> =>
  answer && new DOMParser().parseFromString(await answer.text(), "text/html");

/** The session has ended: sign in, and come back to this page. */
export function toSignIn(): void {
  const next = location.pathname + location.search;
  location.assign(`/console/sign-in?next=${encodeURIComponent(next)}`);
}
