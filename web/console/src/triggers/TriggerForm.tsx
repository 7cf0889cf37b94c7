/** Make or change an event trigger: which events, and what they start. */

import { useQuery } from "@tanstack/react-query";
import { type Answered, get } from "../api/client";
import type { EventTrigger, EventType } from "../api/types";
import { AreaField, More, Row, TextField } from "../parts/Field";
import { faultAt } from "../parts/problems";
import { changesOf } from "../parts/queries";
import { StarterForm } from "../parts/StarterForm";
import { useSave } from "../parts/save";
import { type FormPart, textProps, useForm } from "../parts/useForm";
import { pathOf } from "./Acts";
import { bodyOf, EMPTY, type Form, filtersProblem, formOf } from "./form";

const SHOWN = ["/pipeline_id", "/name", "/description", "/params", "/config"];

/** What the event itself gives: the whole of it. */
const EVENT = "event";

export function TriggerForm({
  before,
  close,
  saved,
}: {
  /** What it was when one began; null makes a new one. */
  before: Answered<EventTrigger> | null;
  close: () => void;
  saved?: (trigger: EventTrigger) => void;
}) {
  const { begin, form, set } = useForm<Form>(() => (before ? formOf(before.value) : EMPTY));
  const saving = useSave<EventTrigger>({
    path: before ? pathOf(before.value.id) : "/event-triggers",
    before: before && { body: bodyOf(begin), etag: before.etag },
    changes: changesOf("trigger"),
    said: ({ name }) => `${name} is saved.`,
    after: (trigger) => {
      close();
      saved?.(trigger);
    },
  });
  return (
    <StarterForm
      title={before ? `Change “${before.value.name}”` : "New event trigger"}
      word={before ? "Save changes" : "Create trigger"}
      {...{ form, set, saving, close }}
      body={bodyOf(form)}
      shown={SHOWN}
      blocked={filtersProblem(form) && "The filters cannot be read yet."}
      given={(name) => name !== EVENT}
      more={
        <More word="Description, what counts once, and bursts">
          <Rest form={form} set={set} error={saving.error} />
        </More>
      }
    >
      <Which form={form} set={set} error={saving.error} />
    </StarterForm>
  );
}

/** Which events: their type, values in them, and an expression. */
function Which({ form, set, error }: FormPart<Form>) {
  const { data: types } = useQuery({
    queryKey: ["event types"],
    queryFn: ({ signal }) => get<EventType[]>("/event-triggers/event-types", signal),
    staleTime: 600_000,
  });
  const known = types?.find(({ type }) => type === form.event_type);
  return (
    <>
      <TextField
        label="Type of the event"
        mono
        value={form.event_type}
        change={(event_type) => set({ event_type })}
        problem={faultAt(error, "/config/event_type")}
        list={["*", ...(types ?? []).map(({ type }) => type)]}
        hint={
          known
            ? `${known.source}: ${known.description}`
            : "Exactly as it is sent; * is every type."
        }
      />
      <Row>
        <AreaField
          label="Filters (JSON)"
          mono
          value={form.filters}
          change={(filters) => set({ filters })}
          problem={filtersProblem(form) ?? faultAt(error, "/config/filters")}
          hint='Paths in the event and what is there: {"payload.status": "done"}'
        />
        <AreaField
          label="Condition"
          mono
          value={form.condition}
          change={(condition) => set({ condition })}
          problem={faultAt(error, "/config/condition")}
          hint='An expression: event.size > 10 and source == "budapp"'
        />
      </Row>
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
        <TextField
          label="Key by which an event counts once"
          mono
          hint="A template, such as {{ event.order_id }}"
          {...typed("dedupe_key")}
        />
        <TextField
          label="… for so many seconds"
          hint="Empty: as long as it is known."
          {...typed("dedupe_seconds")}
        />
      </Row>
      <Row>
        <TextField
          label="Fire once it is quiet for (s)"
          hint="Then with the last event."
          {...typed("quiet_seconds")}
        />
        <TextField label="… at the latest after (s)" {...typed("max_wait_seconds")} />
      </Row>
    </>
  );
}
