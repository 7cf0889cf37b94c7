/** Fields of forms: each has a word, what it is for, and what is wrong with it. */

import { type ReactNode, useId } from "react";
import "./fields.css";

/** What joins a control with its label, its hint and its problem. */
export interface Joined {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

interface Labels {
  label: string;
  hint?: ReactNode;
  problem?: string | null | undefined;
}

export function Field({
  label,
  hint,
  problem,
  children,
}: Labels & { children: (joined: Joined) => ReactNode }) {
  const id = useId();
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div className="entry">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        "aria-describedby": described || undefined,
        "aria-invalid": problem ? true : undefined,
      })}
      {problem && (
        <p className="entry-problem" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
      {hint && (
        <p className="entry-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

type Typed<Value> = Labels & { value: Value; change: (value: Value) => void };

export function TextField({
  value,
  change,
  type = "text",
  placeholder,
  mono = false,
  list,
  ...labels
}: Typed<string> & {
  type?: string;
  placeholder?: string;
  mono?: boolean;
  /** Values that are likely; any other may be typed. */
  list?: readonly string[];
}) {
  const suggestions = useId();
  return (
    <Field {...labels}>
      {(joined) => (
        <>
          <input
            {...joined}
            type={type}
            className={mono ? "mono" : undefined}
            placeholder={placeholder}
            value={value}
            autoComplete="off"
            spellCheck={!mono}
            list={list ? suggestions : undefined}
            onChange={(event) => change(event.target.value)}
          />
          {list && (
            <datalist id={suggestions}>
              {list.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

export function AreaField({
  value,
  change,
  rows = 3,
  mono = false,
  ...labels
}: Typed<string> & { rows?: number; mono?: boolean }) {
  return (
    <Field {...labels}>
      {(joined) => (
        <textarea
          {...joined}
          rows={rows}
          className={mono ? "mono" : undefined}
          spellCheck={!mono}
          value={value}
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Field>
  );
}

export type Option = readonly [value: string, word: string];

export function SelectField({
  value,
  change,
  options,
  ...labels
}: Typed<string> & { options: readonly Option[] }) {
  return (
    <Field {...labels}>
      {(joined) => (
        <select {...joined} value={value} onChange={(event) => change(event.target.value)}>
          {options.map(([option, word]) => (
            <option key={option} value={option}>
              {word}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function CheckField({ label, hint, value, change }: Typed<boolean>) {
  const id = useId();
  return (
    <div className="ticked">
      <input
        type="checkbox"
        id={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        checked={value}
        onChange={(event) => change(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p className="entry-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Some of a few: each is a box of its own. */
export function ChecksField({
  label,
  options,
  value,
  change,
}: Typed<readonly string[]> & { options: readonly Option[] }) {
  const turn = (option: string) =>
    change(value.includes(option) ? value.filter((other) => other !== option) : [...value, option]);
  return (
    <fieldset className="ticks">
      <legend>{label}</legend>
      {options.map(([option, word]) => (
        <CheckField
          key={option}
          label={word}
          value={value.includes(option)}
          change={() => turn(option)}
        />
      ))}
    </fieldset>
  );
}

/** Fields that stand beside each other where there is room. */
export function Row({ children }: { children: ReactNode }) {
  return <div className="entries">{children}</div>;
}

/** What few people need, folded up. */
export function More({
  word,
  isOpen = false,
  children,
}: {
  word: string;
  /** Something in there is said already. */
  isOpen?: boolean;
  children: ReactNode;
}) {
  return (
    <details className="folded" open={isOpen}>
      <summary>{word}</summary>
      <div className="folded-entries">{children}</div>
    </details>
  );
}
