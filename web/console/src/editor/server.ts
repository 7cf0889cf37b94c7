/** What the editor asks of the API, and tells it. */

import { type Answered, change, read } from "../api/client";
import type { Published } from "./editing";
import type { Members } from "./model/document";
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

export const check = async (document: Members): Promise<Report> =>
  (await change<Report>("POST", "/validate", { dag: document })).value;
