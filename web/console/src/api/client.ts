/** One way to ask the API: with the session's cookie, big numbers kept, problems as errors. */

import { parse } from "./json";

export const BASE = "/api/v1";

/** An answer that is not what was asked for (RFC 9457), or none at all. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
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

let csrf = "";

export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return (await ask(BASE + path, signal ? { signal } : {})) as Answer;
}

export async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  return (await write(BASE + path, body)) as Answer;
}

export async function session(): Promise<Session> {
  const found = (await ask("/console/session", {})) as Session;
  csrf = found.csrf_token;
  return found;
}

export async function signOut(): Promise<void> {
  await write("/console/sign-out", {});
  location.assign("/console/sign-in");
}

function write(address: string, body: unknown): Promise<unknown> {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": csrf };
  return ask(address, { method: "POST", headers, body: JSON.stringify(body) });
}

async function ask(address: string, options: RequestInit): Promise<unknown> {
  const headers = { Accept: "application/json", ...options.headers };
  const answer = await fetch(address, { ...options, headers, redirect: "manual" }).catch(
    (error) => {
      if (options.signal?.aborted) throw error;
      throw new Problem(0, "unreachable", "The server cannot be reached.");
    },
  );
  if (answer.ok) return answer.status === 204 ? null : parse(await answer.text());
  // Signing out is answered with the way to the sign-in page.
  if (answer.type === "opaqueredirect") return null;
  if (answer.status === 401) toSignIn();
  throw await problemOf(answer);
}

async function problemOf(answer: Response): Promise<Problem> {
  const told = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  const message = told.detail ?? told.title ?? `The server answered ${answer.status}.`;
  return new Problem(answer.status, String(told.code ?? `http_${answer.status}`), String(message));
}

/** The session has ended: sign in, and come back to this page. */
export function toSignIn(): void {
  const next = location.pathname + location.search;
  location.assign(`/console/sign-in?next=${encodeURIComponent(next)}`);
}
