import { Row, SelectField, TextField } from "../parts/Field";
import { instantOf, localOf } from "../parts/instants";
import { faultAt } from "../parts/problems";
import { type FormPart, textProps } from "../parts/useForm";
import { ZONE } from "../time";
import { type Form, hasExpression } from "./form";

const MISFIRES = [
  ["last", "one execution, for the last of them"],
  ["all", "one execution for each"],
  ["skip", "nothing"],
] as const;
const MISSING = [
  ["", "as cron does"],
  ["next", "is due right after"],
  ["skip", "is not due"],
] as const;
const DOUBLED = [
  ["", "as cron does"],
  ["first", "is due the first time"],
  ["both", "is due both times"],
  ["skip", "is not due"],
] as const;

/** What few schedules need: bounds, and what becomes of due times that are late or odd. */
export function Limits(part: FormPart<Form>) {
  const { form, set, error } = part;
  const typed = (name: keyof Form & string) => textProps(part, name, `/${name}`);
  const instant = (name: "starts_at" | "expires_at") => ({
    type: "datetime-local",
    value: localOf(form[name]),
    change: (value: string) => set({ [name]: instantOf(value) }),
    problem: faultAt(error, `/${name}`),
  });
  return (
    <>
      <Row>
        <SelectField label="Missed due times start" options={MISFIRES} {...typed("misfire")} />
        <TextField
          label="… if they are at most so many seconds late"
          hint="Empty: without a bound."
          {...typed("catch_up_seconds")}
        />
        <TextField label="Spread over seconds (jitter)" {...typed("jitter_seconds")} />
      </Row>
      <Row>
        <TextField label={`Not before (${ZONE})`} {...instant("starts_at")} />
        <TextField label={`Until (${ZONE})`} {...instant("expires_at")} />
      </Row>
      <Row>
        <TextField label="At most so many executions" {...typed("max_runs")} />
        <TextField
          label="Pause after so many failures in a row"
          {...typed("pause_after_failures")}
        />
      </Row>
      {hasExpression(form.type) && (
        <Row>
          <SelectField
            label="A time that clocks leave out"
            options={MISSING}
            {...typed("dst_missing")}
          />
          <SelectField
            label="A time that clocks have twice"
            options={DOUBLED}
            {...typed("dst_doubled")}
          />
        </Row>
      )}
    </>
  );
}
