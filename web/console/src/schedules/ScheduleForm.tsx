/** Make or change a schedule: while one types, the engine says what it means. */

import { useState } from "react";
import type { Answered } from "../api/client";
import type { Schedule } from "../api/types";
import { useDrafts } from "../forms/drafts";
import { Dialog } from "../parts/Dialog";
import { AreaField, More, Row, SelectField, TextField } from "../parts/Field";
import { PipelineField } from "../parts/PipelineChoice";
import { PipelineParams } from "../parts/PipelineParams";
import { faultAt } from "../parts/problems";
import { changesOf } from "../parts/queries";
import { SaveButtons } from "../parts/SaveButtons";
import { useSave } from "../parts/save";
import { ZONE } from "../time";
import { pathOf } from "./Acts";
import { bodyOf, emptyForm, type Form, formOf } from "./form";
import { Limits } from "./Limits";
import { usePreview } from "./Preview";
import { When } from "./When";

/** Places of the body that fields of this form show the faults of. */
const SHOWN = ["/pipeline_id", "/name", "/description", "/schedule", "/params"];

export function ScheduleForm({
  before,
  close,
  saved,
}: {
  /** What it was when one began; null makes a new one. */
  before: Answered<Schedule> | null;
  close: () => void;
  saved?: (schedule: Schedule) => void;
}) {
  const [begin] = useState<Form>(() => (before ? formOf(before.value) : emptyForm(ZONE)));
  const [form, setForm] = useState(begin);
  const [drafts, setDraft] = useDrafts();
  const set = (change: Partial<Form>) => setForm((known) => ({ ...known, ...change }));
  const saving = useSave<Schedule>({
    path: before ? pathOf(before.value.id) : "/schedules",
    before: before && { body: bodyOf(begin), etag: before.etag },
    changes: changesOf("schedule"),
    said: ({ name, in_words }) => `${name} is saved: ${in_words}.`,
    after: (schedule) => {
      close();
      saved?.(schedule);
    },
  });
  const preview = usePreview(form);
  const fault = (pointer: string) => faultAt(saving.error, pointer);
  const blocked = Object.keys(drafts).length > 0 ? "A parameter cannot be read yet." : null;
  return (
    <Dialog
      wide
      title={before ? `Change “${before.value.name}”` : "New schedule"}
      close={close}
      submit={() => !blocked && saving.save(bodyOf(form))}
    >
      <Row>
        <TextField
          label="Name"
          value={form.name}
          change={(name) => set({ name })}
          problem={fault("/name")}
        />
        <PipelineField
          chosen={form.pipeline_id}
          choose={(pipeline_id) => set({ pipeline_id })}
          problem={fault("/pipeline_id")}
        />
      </Row>
      <When form={form} set={set} error={saving.error ?? preview.error} preview={preview} />
      <PipelineParams
        pipeline={form.pipeline_id}
        values={form.params}
        change={(params) => set({ params })}
        error={saving.error}
        drafts={drafts}
        setDraft={setDraft}
      />
      <SelectField
        label="While the previous execution is open"
        value={form.overlap}
        change={(overlap) => set({ overlap })}
        options={OVERLAPS}
      />
      <More word="Description, bounds, and what becomes of late due times">
        <AreaField
          label="Description"
          rows={2}
          value={form.description}
          change={(description) => set({ description })}
          problem={fault("/description")}
        />
        <Limits form={form} set={set} error={saving.error} />
      </More>
      <SaveButtons
        word={before ? "Save changes" : "Create schedule"}
        save={saving}
        saveOver={() => saving.saveOver(bodyOf(form))}
        close={close}
        shown={SHOWN}
        blocked={blocked}
      />
    </Dialog>
  );
}

export const OVERLAPS = [
  ["allow", "start another one"],
  ["skip", "skip the due time"],
  ["queue", "wait until it has ended"],
  ["cancel_old", "cancel it, and start the new one"],
] as const;
