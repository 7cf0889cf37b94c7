import { expect, test } from "vitest";
import { bodyFor, curlOf } from "../src/webhooks/curl";

const map = { version: "{{ body.release.tag }} by {{ body.release.by }}", all: "{{ body.all }}" };
const of = (accepts: string[], require_secret = true) =>
  curlOf({
    endpoint_url: "http://192.0.2.1/trigger/7",
    config: { accepts, require_secret, map },
  } as unknown as Parameters<typeof curlOf>[0]);

test("a request for the shell has the places that the map reads", () => {
  expect(bodyFor(map)).toEqual({ release: { tag: "…", by: "…" }, all: "…" });
  expect(bodyFor(null)).toEqual({});
});

test("it proves what the webhook accepts, and nothing where nothing is asked for", () => {
  expect(of(["secret", "hub"])).toContain(`-H "X-Webhook-Secret: $WEBHOOK_SECRET"`);
  expect(of(["standard", "hub"])).toContain("X-Hub-Signature-256: sha256=");
  expect(of(["standard"])).toContain("webhook-signature: v1,");
  expect(of(["secret"], false)).not.toContain("WEBHOOK_SECRET");
});
