/** The secrets of a webhook: new ones are shown once, those before count for a while yet. */

import { useState } from "react";
import { post } from "../api/client";
import type { MadeWebhook, Webhook } from "../api/types";
import { useAct } from "../parts/act";
import { CodeBlock } from "../parts/CodeBlock";
import { Confirm } from "../parts/Confirm";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { Section } from "../parts/Facts";
import { TextField } from "../parts/Field";
import { FormFailure } from "../parts/FormFailure";
import { numberOf } from "../parts/lines";
import { faultAt } from "../parts/problems";
import { changesOf } from "../parts/queries";
import { useMay } from "../parts/rights";
import { SecretOnce } from "../parts/SecretOnce";
import { quoted } from "../parts/shell";
import { Time } from "../parts/Time";
import { moment } from "../time";
import { pathOf } from "./Acts";
import { curlOf } from "./curl";

type Secret = Webhook["secrets"][number];

/** What is told once of a webhook that was made, or has a new secret. */
export function NewSecrets({ webhook, close }: { webhook: MadeWebhook; close: () => void }) {
  const { name, endpoint_url, secret, standard_secret } = webhook;
  const secrets = [
    { word: "Address", text: endpoint_url },
    ...(secret ? [{ word: "Secret", text: secret }] : []),
    ...(standard_secret && standard_secret !== secret
      ? [{ word: "The same for senders of Standard Webhooks", text: standard_secret }]
      : []),
  ];
  return (
    <SecretOnce title={`What the sender for “${name}” needs`} secrets={secrets} close={close}>
      <CodeBlock
        word="Try it"
        text={`${secret ? `WEBHOOK_SECRET=${quoted(secret)}\n` : ""}${curlOf(webhook)}`}
      />
    </SecretOnce>
  );
}

export function Secrets({ webhook, now }: { webhook: Webhook; now: number }) {
  const may = useMay();
  const [rotating, rotate] = useState(false);
  const [made, setMade] = useState<MadeWebhook | null>(null);
  const counting = webhook.secrets.filter((one) => counts(one, now));
  const writes = may("webhooks:write");
  const tools = writes && (
    <button type="button" onClick={() => rotate(true)}>
      {counting.length > 0 ? "Rotate secret" : "Give it a secret"}
    </button>
  );
  return (
    <Section title="Secrets" tools={tools}>
      <ul className="panel webhook-secrets">
        {webhook.secrets.length === 0 && (
          <li className="muted">It has none: whoever knows its address may start the pipeline.</li>
        )}
        {webhook.secrets.map((secret, index) => (
          <li key={secret.id}>
            <span>
              {index === 0 && "The newest, "}made <Time at={secret.created_at} now={now} relative />
              <span className="muted"> by {secret.created_by}</span>
              <span className="sub">{secret.id}</span>
            </span>
            <Until secret={secret} now={now} />
            {writes && counts(secret, now) && <Revoke webhook={webhook} secret={secret} />}
          </li>
        ))}
      </ul>
      {rotating && <Rotate webhook={webhook} close={() => rotate(false)} made={setMade} />}
      {made && <NewSecrets webhook={made} close={() => setMade(null)} />}
    </Section>
  );
}

const counts = ({ expires_at, revoked_at }: Secret, now: number): boolean =>
  revoked_at === null && (expires_at === null || moment(expires_at) > now);

function Until({ secret: { expires_at, revoked_at }, now }: { secret: Secret; now: number }) {
  if (revoked_at) {
    return (
      <span className="muted">
        revoked <Time at={revoked_at} now={now} relative />
      </span>
    );
  }
  if (expires_at === null) return <b>active</b>;
  return (
    <span className="muted">
      {moment(expires_at) > now ? "counts yet, ends" : "ended"}{" "}
      <Time at={expires_at} now={now} relative />
    </span>
  );
}

function Rotate({
  webhook,
  close,
  made,
}: {
  webhook: Webhook;
  close: () => void;
  made: (webhook: MadeWebhook) => void;
}) {
  const [overlap, setOverlap] = useState("3600");
  const [secret, setSecret] = useState("");
  const rotate = useAct({
    act: () =>
      post<MadeWebhook>(`${pathOf(webhook.id)}/rotate-secret`, {
        overlap_seconds: numberOf(overlap) ?? 0,
        secret: secret || null,
      }),
    changes: changesOf("webhook"),
    after: (answer) => {
      close();
      made(answer);
    },
  });
  return (
    <Dialog
      title={`A new secret for “${webhook.name}”`}
      close={close}
      submit={() => rotate.once(undefined)}
    >
      <TextField
        label="Those before count yet for (s)"
        value={overlap}
        change={setOverlap}
        problem={faultAt(rotate.error, "/overlap_seconds")}
        hint="So long there is time to tell the sender; 0 ends them now."
      />
      <TextField
        label="A secret that the sender has already (optional)"
        type="password"
        value={secret}
        change={setSecret}
        problem={faultAt(rotate.error, "/secret")}
        hint="Empty: one is made, and shown once."
      />
      <FormFailure error={rotate.error} shown={["/overlap_seconds", "/secret"]} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main" disabled={rotate.isPending}>
          Rotate secret
        </button>
      </DialogButtons>
    </Dialog>
  );
}

function Revoke({ webhook, secret }: { webhook: Webhook; secret: Secret }) {
  const [open, setOpen] = useState(false);
  const revoke = useAct({
    act: () => post(`${pathOf(webhook.id)}/revoke-secret`, { secret_id: secret.id }),
    changes: changesOf("webhook"),
    said: () => "The secret counts no more.",
    after: () => setOpen(false),
  });
  return (
    <>
      <button type="button" className="danger" onClick={() => setOpen(true)}>
        Revoke
      </button>
      {open && (
        <Confirm
          title="End this secret now?"
          word="Revoke secret"
          running={revoke.isPending}
          error={revoke.error}
          act={() => revoke.once(undefined)}
          close={() => setOpen(false)}
        >
          <p>The next request with it is refused, by every process.</p>
        </Confirm>
      )}
    </>
  );
}
