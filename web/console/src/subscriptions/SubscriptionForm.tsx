/** Make or change a subscription: of what, where to, and in which words. */

import type { Answered } from "../api/client";
import type { MadeSubscription, Subscription } from "../api/types";
import { Dialog } from "../parts/Dialog";
import { AreaField, Row, SelectField, TextField } from "../parts/Field";
import { instantOf, localOf } from "../parts/instants";
import { PipelineField } from "../parts/PipelineChoice";
import { faultAt } from "../parts/problems";
import { changesOf } from "../parts/queries";
import { SaveButtons } from "../parts/SaveButtons";
import { useSave } from "../parts/save";
import { type FormPart, useForm } from "../parts/useForm";
import { ZONE } from "../time";
import { pathOf } from "./Acts";
import { ADDRESS, bodyOf, EMPTY, type Form, formOf, newBodyOf, type Reach } from "./form";
import { FORMATS, TARGETS } from "./states";

const SHOWN = [
  "/name",
  "/pipeline_id",
  "/execution_id",
  "/event_types",
  "/target",
  "/format",
  "/expires_at",
];
const REACHES = [
  ["owner", "all executions"],
  ["pipeline", "the executions of a pipeline"],
  ["execution", "one execution"],
] as const;
const EVENTS = [
  ["all", "all that the format knows"],
  ["some", "some kinds"],
  ["named", "only what names it (notify)"],
] as const;

export function SubscriptionForm({
  before,
  close,
  saved,
}: {
  /** What it was when one began; null makes a new one. */
  before: Answered<Subscription> | null;
  close: () => void;
  saved?: (subscription: MadeSubscription) => void;
}) {
  const { begin, form, set } = useForm<Form>(() => (before ? formOf(before.value) : EMPTY));
  const body = before ? bodyOf(form) : newBodyOf(form);
  const saving = useSave<MadeSubscription>({
    path: before ? pathOf(before.value.id) : "/subscriptions",
    before: before && { body: bodyOf(begin), etag: before.etag },
    changes: changesOf("subscription"),
    said: ({ name }) => `${name ?? "The subscription"} is saved.`,
    after: (subscription) => {
      close();
      saved?.(subscription);
    },
  });
  const { error } = saving;
  return (
    <Dialog
      wide
      title={before ? `Change “${before.value.name ?? "the subscription"}”` : "New subscription"}
      close={close}
      submit={() => saving.save(body)}
    >
      <TextField
        label="Name"
        hint="By it a step names whom it notifies."
        value={form.name}
        change={(name) => set({ name })}
        problem={faultAt(error, "/name")}
      />
      {!before && <Of form={form} set={set} error={error} />}
      <Where form={form} set={set} error={error} />
      <Events form={form} set={set} error={error} />
      <Row>
        <SelectField
          label="Format"
          value={form.format}
          change={(format) => set({ format })}
          options={FORMATS}
          problem={faultAt(error, "/format")}
        />
        <TextField
          label={`Until (${ZONE})`}
          type="datetime-local"
          hint="Empty: for good."
          value={localOf(form.expires_at)}
          change={(local) => set({ expires_at: instantOf(local) })}
          problem={faultAt(error, "/expires_at")}
        />
      </Row>
      <SaveButtons
        word={before ? "Save changes" : "Subscribe"}
        save={saving}
        saveOver={() => saving.saveOver(body)}
        close={close}
        shown={SHOWN}
      />
    </Dialog>
  );
}

function Of({ form, set, error }: FormPart<Form>) {
  return (
    <Row>
      <SelectField
        label="Events"
        value={form.reach}
        change={(reach) => set({ reach: reach as Reach })}
        options={REACHES}
      />
      {form.reach === "pipeline" && (
        <PipelineField
          chosen={form.pipeline_id}
          choose={(pipeline_id) => set({ pipeline_id })}
          problem={faultAt(error, "/pipeline_id")}
        />
      )}
      {form.reach === "execution" && (
        <TextField
          label="Id of the execution"
          mono
          value={form.execution_id}
          change={(execution_id) => set({ execution_id })}
          problem={faultAt(error, "/execution_id")}
        />
      )}
    </Row>
  );
}

const WORDS: Record<string, string> = {
  url: "URL",
  channel: "Name of the channel",
  stream: "Name of the stream",
  topic: "Name of the topic",
};

function Where({ form, set, error }: FormPart<Form>) {
  const field = ADDRESS[form.target] ?? "url";
  return (
    <>
      <Row>
        <SelectField
          label="Sends to"
          value={form.target}
          change={(target) => set({ target })}
          options={TARGETS}
          problem={faultAt(error, "/target/type")}
        />
        {form.target === "redis_stream" && (
          <TextField
            label="Entries that it keeps, about"
            hint="Empty: 10,000."
            value={form.max_length}
            change={(max_length) => set({ max_length })}
            problem={faultAt(error, "/target/max_length")}
          />
        )}
      </Row>
      <TextField
        label={WORDS[field] ?? field}
        mono
        placeholder={field === "url" ? "https://hooks.example.org/pipelines" : ""}
        value={form.address}
        change={(address) => set({ address })}
        problem={faultAt(error, `/target/${field}`)}
      />
    </>
  );
}

function Events({ form, set, error }: FormPart<Form>) {
  return (
    <>
      <SelectField
        label="Events"
        value={form.events}
        change={(events) => set({ events })}
        options={EVENTS}
        problem={form.events === "some" ? null : faultAt(error, "/event_types")}
      />
      {form.events === "some" && (
        <AreaField
          label="Kinds of events"
          mono
          rows={4}
          hint="One in each line, such as step_failed; the history of an execution has them."
          value={form.event_types}
          change={(event_types) => set({ event_types })}
          problem={faultAt(error, "/event_types")}
        />
      )}
    </>
  );
}
