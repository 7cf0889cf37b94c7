/** A request of a sender for a shell: what its proof is, and a body that the map can read. */

import { print } from "../api/json";
import type { Webhook } from "../api/types";
import { quoted } from "../parts/shell";

/** `body.release.tag_name` in an expression. */
const OF_BODY = /\bbody((?:\.[A-Za-z_]\w*)+)/g;
const HMAC = 'openssl dgst -sha256 -hmac "$WEBHOOK_SECRET"';

type Called = Pick<Webhook, "endpoint_url" | "config">;

/** The secret is in a variable, as it is told only once. */
export function curlOf({ endpoint_url, config }: Called): string {
  const { before, headers } = proofOf(config);
  const body = print(bodyFor(config.map)).replaceAll(/\s+/g, " ");
  const request = [
    `curl -s ${quoted(endpoint_url)}`,
    ...["'Content-Type: application/json'", ...headers].map((header) => `-H ${header}`),
    '-d "$body"',
  ];
  return [`body=${quoted(body)}`, ...before, request.join(" \\\n  ")].join("\n");
}

/** Of what is accepted that which is shortest in a shell. */
function proofOf({ require_secret, accepts }: Called["config"]) {
  if (!require_secret) return { before: [], headers: [] };
  if (accepts.includes("secret")) {
    return { before: [], headers: ['"X-Webhook-Secret: $WEBHOOK_SECRET"'] };
  }
  if (accepts.includes("hub")) {
    const hex = `$(printf %s "$body" | ${HMAC} -r | cut -d' ' -f1)`;
    return { before: [], headers: [`"X-Hub-Signature-256: sha256=${hex}"`] };
  }
  const signed = `$(printf %s "$id.$time.$body" | ${HMAC} -binary | base64)`;
  return {
    before: ['id="msg_$(date +%s)" time="$(date +%s)"'],
    headers: [
      '"webhook-id: $id"',
      '"webhook-timestamp: $time"',
      `"webhook-signature: v1,${signed}"`,
    ],
  };
}

/** The places of the body that a map names, so that it is clear what belongs there. */
export function bodyFor(map: Record<string, unknown> | null | undefined): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [, path = ""] of JSON.stringify(map ?? {}).matchAll(OF_BODY)) {
    const names = path.slice(1).split(".");
    const last = names.pop() as string;
    let place = body;
    for (const name of names) {
      if (typeof place[name] !== "object") place[name] = {};
      place = place[name] as Record<string, unknown>;
    }
    place[last] ??= "…";
  }
  return body;
}
