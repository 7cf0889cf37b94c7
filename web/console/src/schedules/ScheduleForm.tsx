/** Make or change a schedule: while one types, the engine says what it means. */

import type { Answered } from "../api/client";
import type { Schedule } from "../api/types";
import { AreaField, More, SelectField } from "../parts/Field";
import { faultAt } from "../parts/problems";
import { changesOf } from "../parts/queries";
import { StarterForm } from "../parts/StarterForm";
import { useSave } from "../parts/save";
import { useForm } from "../parts/useForm";
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
  const { begin, form, set } = useForm<Form>(() =>
    before ? formOf(before.value) : emptyForm(ZONE),
  );
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
  return (
    <StarterForm
      title={before ? `Change “${before.value.name}”` : "New schedule"}
      word={before ? "Save changes" : "Create schedule"}
      {...{ form, set, saving, close }}
      body={bodyOf(form)}
      shown={SHOWN}
      more={
        <>
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
        </>
      }
    >
      <When form={form} set={set} error={saving.error ?? preview.error} preview={preview} />
    </StarterForm>
  );
}

export const OVERLAPS = [
  ["allow", "start another one"],
  ["skip", "skip the due time"],
  ["queue", "wait until it has ended"],
  ["cancel_old", "cancel it, and start the new one"],
] as const;
