/** Make or change a webhook: what it starts, whom it lets in, and what it makes of what they send. */

import type { Answered } from "../api/client";
import type { MadeWebhook, Webhook } from "../api/types";
import { AreaField, CheckField, ChecksField, More, Row, TextField } from "../parts/Field";
import { faultAt } from "../parts/problems";
import { changesOf } from "../parts/queries";
import { StarterForm } from "../parts/StarterForm";
import { useSave } from "../parts/save";
import { type FormPart, textProps, useForm } from "../parts/useForm";
import { pathOf } from "./Acts";
import { bodyOf, EMPTY, type Form, formOf, mapProblem } from "./form";
import { FORMS } from "./states";

const SHOWN = ["/pipeline_id", "/name", "/description", "/params", "/config", "/secret"];
const MAP = '{"version": "{{ body.release.tag_name }}"}';

export function WebhookForm({
  before,
  close,
  saved,
}: {
  /** What it was when one began; null makes a new one. */
  before: Answered<Webhook> | null;
  close: () => void;
  saved?: (webhook: MadeWebhook) => void;
}) {
  const { begin, form, set } = useForm<Form>(() => (before ? formOf(before.value) : EMPTY));
  const saving = useSave<MadeWebhook>({
    path: before ? pathOf(before.value.id) : "/webhooks",
    before: before && { body: bodyOf(begin), etag: before.etag },
    changes: changesOf("webhook"),
    said: ({ name }) => `${name} is saved.`,
    after: (webhook) => {
      close();
      saved?.(webhook);
    },
  });
  const body = { ...bodyOf(form), ...(form.secret && !before ? { secret: form.secret } : {}) };
  return (
    <StarterForm
      title={before ? `Change “${before.value.name}”` : "New webhook"}
      word={before ? "Save changes" : "Create webhook"}
      {...{ form, set, saving, close }}
      body={body}
      shown={SHOWN}
      blocked={mapProblem(form) && "The map cannot be read yet."}
      more={
        <More word="Description, addresses, and what counts once">
          <Rest form={form} set={set} error={saving.error} />
        </More>
      }
    >
      <AreaField
        label="Params from the request (map)"
        mono
        value={form.map}
        change={(map) => set({ map })}
        problem={mapProblem(form) ?? faultAt(saving.error, "/config/map")}
        hint={
          <>
            Expressions over body, headers, query and params: <code>{MAP}</code>. Empty: the params
            of a JSON body.
          </>
        }
      />
      <Proofs form={form} set={set} error={saving.error} isNew={before === null} />
    </StarterForm>
  );
}

function Proofs({ form, set, error, isNew }: FormPart<Form> & { isNew: boolean }) {
  return (
    <>
      {isNew && (
        <CheckField
          label="Senders have to prove that they know a secret"
          hint="Without one, whoever knows the address may start the pipeline."
          value={form.require_secret}
          change={(require_secret) => set({ require_secret })}
        />
      )}
      {form.require_secret && (
        <ChecksField
          label="Accepted authentication"
          options={FORMS}
          value={form.accepts}
          change={(accepts) => set({ accepts })}
        />
      )}
      {isNew && form.require_secret && (
        <TextField
          label="A secret that the sender has already (optional)"
          type="password"
          value={form.secret}
          change={(secret) => set({ secret })}
          problem={faultAt(error, "/secret")}
          hint="Empty: one is made, and shown once."
        />
      )}
    </>
  );
}

function Rest(part: FormPart<Form>) {
  const typed = (name: keyof Form & string, pointer = `/config/${name}`) =>
    textProps(part, name, pointer);
  return (
    <>
      <AreaField label="Description" rows={2} {...typed("description", "/description")} />
      <Row>
        <AreaField
          label="Addresses and networks that may send"
          mono
          hint="One in each line, such as 192.0.2.0/24; empty: all."
          {...typed("allowed_ips")}
        />
        <AreaField
          label="Headers that become params"
          mono
          hint="X-GitHub-Event becomes header_x_github_event."
          {...typed("headers_to_include")}
        />
      </Row>
      <TextField
        label="Key by which a delivery counts once"
        mono
        hint="A template, such as {{ body.id }}; empty: the id that the sender gives."
        {...typed("dedupe_key")}
      />
      <Row>
        <TextField label="An equal body counts once within (s)" {...typed("repeat_seconds")} />
        <TextField label="At most so many in a minute" {...typed("max_per_minute")} />
      </Row>
    </>
  );
}
