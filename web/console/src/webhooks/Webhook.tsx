/** One webhook: its address, whom it lets in, its secrets, and what came. */

import { useState } from "react";
import { pipelineAt, WEBHOOKS } from "../addresses";
import { type Answered, read } from "../api/client";
import { print } from "../api/json";
import type { Webhook as AnyWebhook } from "../api/types";
import { CodeBlock } from "../parts/CodeBlock";
import { CopyButton } from "../parts/CopyButton";
import { DetailHead } from "../parts/DetailHead";
import { EditButton } from "../parts/EditButton";
import { DISABLED_BECAUSE, stateOfEnabled } from "../parts/enabled";
import { Facts, Section } from "../parts/Facts";
import { Loaded } from "../parts/Listed";
import { usePipelineName } from "../parts/pipelines";
import { useMay } from "../parts/rights";
import { Stopped } from "../parts/Stopped";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { go, Link } from "../router";
import { duration } from "../time";
import { Delete, Enable, pathOf } from "./Acts";
import { curlOf } from "./curl";
import { Deliveries } from "./Deliveries";
import { Secrets } from "./Secrets";
import { Test } from "./Test";
import { WebhookForm } from "./WebhookForm";
import "./webhooks.css";

export default function Webhook({ id }: { id: string }) {
  const found = usePolled(["webhook", id], (signal) => read<AnyWebhook>(pathOf(id), signal));
  return (
    <Loaded found={found} of="the webhook">
      {(known) => <Page known={known} />}
    </Loaded>
  );
}

function Page({ known }: { known: Answered<AnyWebhook> }) {
  const now = useNow(true);
  const webhook = known.value;
  return (
    <div className="list-page">
      <DetailHead
        list="Webhooks"
        href={WEBHOOKS}
        id={webhook.id}
        name={webhook.name}
        state={stateOfEnabled(webhook)}
      >
        <Write known={known} />
      </DetailHead>
      <Stopped
        reason={webhook.disabled_reason}
        did="disabled"
        words={DISABLED_BECAUSE}
        elsewhere="see the audit log"
      />
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

function Write({ known }: { known: Answered<AnyWebhook> }) {
  const may = useMay();
  const [testing, test] = useState(false);
  if (!may("webhooks:write")) return null;
  const webhook = known.value;
  return (
    <>
      {may("executions:run") && (
        <button type="button" onClick={() => test(true)}>
          Test
        </button>
      )}
      <Enable webhook={webhook} />
      <EditButton of={known}>
        {(before, close) => <WebhookForm before={before} close={close} />}
      </EditButton>
      <Delete webhook={webhook} deleted={() => go(WEBHOOKS)} />
      {testing && <Test webhook={webhook} close={() => test(false)} />}
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
              <Link key="p" className="plain-link" href={pipelineAt(pipeline_id)}>
                {nameOf(pipeline_id)}
              </Link>
            ),
          ],
          ["Executions started", `${webhook.trigger_count}`],
          ["Last", last_triggered_at && <Time at={last_triggered_at} now={now} relative />],
          ["Authentication", config.require_secret ? config.accepts.join(", ") : "none"],
          ["Allowed from", config.allowed_ips?.join(", ") ?? "any address"],
          ["Headers as params", config.headers_to_include.join(", ")],
          ["Counts once by", config.dedupe_key && <code>{config.dedupe_key}</code>],
          [
            "Equal bodies once in",
            config.repeat_seconds !== null && duration(config.repeat_seconds * 1_000),
          ],
          ["At most", config.max_per_minute !== null && `${config.max_per_minute} in a minute`],
          ["Owner", webhook.user_id ?? "the system"],
          ["Created by", webhook.created_by],
        ]}
      />
      <CodeBlock
        word={
          config.require_secret
            ? "Send a request, with the secret in WEBHOOK_SECRET"
            : "Send a request"
        }
        text={curlOf(webhook)}
      />
      {config.map && <CodeBlock word="Params from the request" text={print(config.map)} />}
      {Object.keys(params).length > 0 && <CodeBlock word="Its own params" text={print(params)} />}
    </div>
  );
}
