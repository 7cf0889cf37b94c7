import { Row, SelectField, TextField } from "../parts/Field";
import { faultAt } from "../parts/problems";
import type { FormPart } from "../parts/useForm";
import { EXAMPLES, EXPRESSIONS, type Form, hasExpression } from "./form";
import { Preview, type Previewed } from "./Preview";

interface Props extends FormPart<Form> {
  preview: Previewed;
}

const KINDS = [
  ["cron", "by the clock (cron)"],
  ["interval", "every so often"],
  ["one_time", "once"],
  ["manual", "by hand only"],
] as const;

const ZONES = Intl.supportedValuesOf("timeZone");

/** When it is due: kind, expression and zone, and what they mean. */
export function When({ form, set, error, preview }: Props) {
  const { type } = form;
  const fault = (field: string) => faultAt(error, `/schedule/${field}`);
  // An expression of one kind means nothing to another.
  const turn = (next: string) => set({ type: next, expression: EXAMPLES[next] ?? "" });
  return (
    <>
      <Row>
        <SelectField
          label="Starts"
          value={type}
          change={turn}
          options={KINDS}
          problem={fault("type")}
        />
        <TextField
          label="Time zone"
          value={form.timezone}
          change={(timezone) => set({ timezone })}
          problem={fault("timezone")}
          list={ZONES}
        />
      </Row>
      {hasExpression(type) && (
        <TextField
          label={type === "cron" ? "Expression" : "Interval"}
          mono
          value={form.expression}
          change={(expression) => set({ expression })}
          problem={fault("expression")}
          hint={EXPRESSIONS[type]}
        />
      )}
      {type === "one_time" && (
        <TextField
          label={`At, by the clocks of ${form.timezone || "UTC"}`}
          type={isInstant(form.run_at) ? "text" : "datetime-local"}
          value={form.run_at}
          change={(run_at) => set({ run_at })}
          problem={fault("run_at")}
          hint={isInstant(form.run_at) && "A moment with its offset from UTC."}
        />
      )}
      {type !== "manual" && <Preview preview={preview} />}
    </>
  );
}

/** With an offset, as the API tells it: no field for local times can show that. */
const isInstant = (text: string): boolean => /(Z|[+-]\d\d:\d\d)$/.test(text);
