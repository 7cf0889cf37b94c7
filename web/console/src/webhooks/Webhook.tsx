/** One webhook: its address, whom it lets in, its secrets, and what came. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { EXECUTIONS, WEBHOOKS } from "../addresses";
import { read } from "../api/client";
import { print } from "../api/json";
import type { Webhook as AnyWebhook } from "../api/types";
import { CodeBlock } from "../parts/CodeBlock";
import { CopyButton } from "../parts/CopyButton";
import { DISABLED_BECAUSE, stateOfEnabled } from "../parts/enabled";
import { Facts, Section } from "../parts/Facts";
import { Failure } from "../parts/Notice";
import { useNow } from "../parts/now";
import { usePipelineName } from "../parts/pipelines";
import { useMay } from "../parts/rights";
import { Skeleton } from "../parts/Skeleton";
import { ThingHead } from "../parts/Thing";
import { Time } from "../parts/Time";
import { go, Link } from "../router";
import { duration } from "../time";
import { Delete, Turn } from "./Acts";
import { Deliveries } from "./Deliveries";
import { Secrets } from "./Secrets";
import { Test } from "./Test";
import { WebhookForm } from "./WebhookForm";
import "./webhooks.css";

const LIVE = 5_000;

export default function Webhook({ id }: { id: string }) {
  const found = useQuery({
    queryKey: ["webhook", id],
    queryFn: ({ signal }) => read<AnyWebhook>(`/webhooks/${encodeURIComponent(id)}`, signal),
    refetchInterval: LIVE,
  });
  const now = useNow(true);
  if (found.error && !found.data) {
    return <Failure error={found.error} retry={() => void found.refetch()} />;
  }
  if (!found.data) return <Skeleton of="the webhook" />;
  const { value: webhook, etag } = found.data;
  return (
    <div className="list-page">
      <ThingHead
        list="Webhooks"
        href={WEBHOOKS}
        id={webhook.id}
        name={webhook.name}
        state={stateOfEnabled(webhook)}
      >
        <Write webhook={webhook} etag={etag} />
      </ThingHead>
      {webhook.disabled_reason && (
        <p className="failure" role="status">
          <code>{webhook.disabled_reason}</code> The engine has disabled it:{" "}
          {DISABLED_BECAUSE[webhook.disabled_reason] ?? "see the audit log"}.
        </p>
      )}
      <div className="panels">
        <Section title="What it does">
          <About webhook={webhook} now={now} />
        </Section>
        <Secrets webhook={webhook} now={now} />
      </div>
      <Deliveries webhook={webhook} now={now} />
    </div>
  );
}

function Write({ webhook, etag }: { webhook: AnyWebhook; etag: string | null }) {
  const may = useMay();
  const [editing, setEditing] = useState<{ webhook: AnyWebhook; etag: string | null } | null>(null);
  const [testing, test] = useState(false);
  if (!may("webhooks:write")) return null;
  return (
    <>
      {may("executions:run") && (
        <button type="button" onClick={() => test(true)}>
          Test
        </button>
      )}
      <Turn webhook={webhook} />
      <button type="button" onClick={() => setEditing({ webhook, etag })}>
        Change
      </button>
      <Delete webhook={webhook} deleted={() => go(WEBHOOKS)} />
      {testing && <Test webhook={webhook} close={() => test(false)} />}
      {editing && (
        <WebhookForm before={editing} close={() => setEditing(null)} saved={() => undefined} />
      )}
    </>
  );
}

function About({ webhook, now }: { webhook: AnyWebhook; now: number }) {
  const nameOf = usePipelineName();
  const { config, params, pipeline_id, endpoint_url, last_triggered_at } = webhook;
  return (
    <div className="panel">
      {webhook.description && <p className="muted">{webhook.description}</p>}
      <div className="webhook-address">
        <code>{endpoint_url}</code>
        <CopyButton text={endpoint_url}>Copy</CopyButton>
      </div>
      <Facts
        facts={[
          [
            "Starts",
            pipeline_id && (
              <Link key="p" className="plain-link" href={`${EXECUTIONS}?pipeline=${pipeline_id}`}>
                {nameOf(pipeline_id)}
              </Link>
            ),
          ],
          ["Has started", `${webhook.trigger_count}`],
          ["Last", last_triggered_at && <Time at={last_triggered_at} now={now} relative />],
          ["Proofs", config.require_secret ? config.accepts.join(", ") : "none is asked for"],
          ["From", config.allowed_ips?.join(", ") ?? "everywhere"],
          ["Headers as params", config.headers_to_include.join(", ")],
          ["Counts once by", config.dedupe_key && <code>{config.dedupe_key}</code>],
          [
            "Equal bodies once in",
            config.repeat_seconds !== null && duration(config.repeat_seconds * 1_000),
          ],
          ["At most", config.max_per_minute !== null && `${config.max_per_minute} in a minute`],
          ["Owner", webhook.user_id ?? "the system"],
          ["Made by", webhook.created_by],
        ]}
      />
      {config.map && <CodeBlock word="Params from the request" text={print(config.map)} />}
      {Object.keys(params).length > 0 && <CodeBlock word="Its own params" text={print(params)} />}
    </div>
  );
}
