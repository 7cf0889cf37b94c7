/** Requests for a shell that has what `pipeline-engine env` says. */

import { write } from "../api/json";
import type { Execution } from "../api/types";
import { MASK } from "../forms/param";
import { quoted } from "../parts/shell";

const TOKEN = `  -H "Authorization: Bearer $PIPELINE_API_TOKEN"`;
const NEXT = " \\\n";

/** The request behind the page. */
export const curlOf = (id: string): string =>
  [`curl -s "$PIPELINE_API_URL/api/v1/executions/${id}/progress"`, `${TOKEN}\n`].join(NEXT);

/** The request that starts the same once more. */
export const curlAgain = (again: Again): string =>
  [
    `curl -s -X POST "$PIPELINE_API_URL/api/v1${again.path}"`,
    TOKEN,
    "  -H 'Content-Type: application/json'",
    `  -d ${quoted(write(again.body))}\n`,
  ].join(NEXT);

export interface Again {
  path: string;
  body: Record<string, unknown>;
}

/** What starts the same once more: the pipeline as it is now, or what was sent along, with its params. */
export function again({ pipeline_id, pipeline_definition }: Execution): Again {
  const { dag, params } = pipeline_definition;
  return pipeline_id === null
    ? { path: "/executions/run", body: { pipeline_definition: dag, params } }
    : { path: "/executions", body: { pipeline_id, params } };
}

/** Whether some of the params are not shown, and could only be sent as their mask. */
export const isMasked = (again: Again): boolean => write(again.body).includes(MASK);
