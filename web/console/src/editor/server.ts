/** What the editor asks of the API, and tells it. */

import { type Answered, change, get, read } from "../api/client";
import type { Members } from "../api/json";
import type { Report } from "./model/issues";

interface Pipeline {
  id: string;
  name: string;
  revision: number;
  lock_version: number;
  updated_at: string | null;
  created_by: string | null;
  dag: Members | null;
}

/** A revision as the server has it. */
export interface Published {
  document: Members;
  name: string;
  revision: number;
  /** What `If-Match` of a change names. */
  etag: string | null;
  lockVersion: number;
  by: string | null;
  at: string | null;
}

/** What one has typed and not published. */
export interface Draft {
  /** The version of the pipeline that was edited; null if there is no draft. */
  based_on: number | null;
  document: unknown;
  saved_at: string | null;
}

export interface StoredDraft extends Draft {
  etag: string | null;
}

const pathOf = (id: string) => `/pipelines/${encodeURIComponent(id)}`;

function published({ value, etag }: Answered<Pipeline>): Published {
  return {
    document: value.dag ?? {},
    name: value.name,
    revision: Number(value.revision),
    lockVersion: Number(value.lock_version),
    etag,
    by: null,
    at: value.updated_at,
  };
}

export const load = async (id: string, signal?: AbortSignal): Promise<Published> =>
  published(await read<Pipeline>(pathOf(id), signal));

/** Store a revision; refused (412) if somebody else has stored one meanwhile. */
export async function publish(
  id: string,
  { etag, document: before, name }: Published,
  document: Members,
): Promise<Published> {
  // A name that goes before that of the document stays, unless the document gets another one.
  const body = document.name === before.name ? { dag: document, name } : { dag: document };
  return published(await change<Pipeline>("PUT", pathOf(id), body, etag));
}

export async function create(name: string): Promise<string> {
  const { value } = await change<Pipeline>("POST", "/pipelines", { dag: { name, steps: [] } });
  return value.id;
}

/** One's own draft; all of it is null if there is none. */
export async function loadDraft(id: string, signal?: AbortSignal): Promise<StoredDraft> {
  const { value, etag } = await read<Draft>(`${pathOf(id)}/draft`, signal);
  return { ...value, etag };
}

/** Keep what was typed; refused (412) if another tab has kept something meanwhile. */
export async function saveDraft(
  id: string,
  etag: string | null,
  draft: { based_on: number; document: unknown },
): Promise<string | null> {
  return (await change("PUT", `${pathOf(id)}/draft`, draft, etag)).etag;
}

export async function dropDraft(id: string, etag: string | null): Promise<string | null> {
  await change("DELETE", `${pathOf(id)}/draft`, undefined, etag);
  return (await loadDraft(id)).etag;
}

/** Who has stored a revision; null if that is not known. */
export async function savedBy(id: string, revision: number): Promise<string | null> {
  const found = await get<{ revision: number; saved_by: string | null }[]>(
    `${pathOf(id)}/revisions?page_size=5`,
  ).catch(() => []);
  return found.find((one) => Number(one.revision) === revision)?.saved_by ?? null;
}

export const check = async (document: Members): Promise<Report> =>
  (await change<Report>("POST", "/validate", { dag: document })).value;
