/** One parameter: its name, its input, what fits, what is wrong, and whether it is there at all. */

import { memo, useId, useRef, useState } from "react";
import { type Draft, draftOver, type SetDraft, written } from "./drafts";
import { hasDefault, isTemplated, type Option, type Param } from "./param";
import { type FieldProblem, faultOf } from "./problems";
import type { Completion } from "./templates";
import { canSwitch, inputFor, type Kind, kindOf } from "./widget";
import { Branches } from "./widgets/Branches";
import { MultiSelect, Select, TrueOrFalse } from "./widgets/Choices";
import { JsonField } from "./widgets/JsonField";
import { NumberField, Range } from "./widgets/Numbers";
import type { WidgetProps } from "./widgets/props";
import { Reference, Secret, Template, Text } from "./widgets/Text";
import { inline, kindOfNothing, limitsOf, typeWord } from "./words";

const WIDGETS: Record<Kind, (props: WidgetProps) => React.ReactNode> = {
  text: Text,
  number: NumberField,
  boolean: TrueOrFalse,
  select: Select,
  multiselect: MultiSelect,
  range: Range,
  branches: Branches,
  reference: Reference,
  secret: Secret,
  json: JsonField,
  template: Template,
};

interface Props {
  param: Param;
  value: unknown;
  change: (name: string, value: unknown) => void;
  draft: Draft | undefined;
  setDraft: SetDraft;
  problems: readonly FieldProblem[];
  templates: boolean;
  completions: readonly Completion[];
  choices: readonly Option[] | null;
}

export const Field = memo(function Field(props: Props) {
  const { param, value, change, setDraft, templates, completions } = props;
  const { name } = param;
  const id = useId();
  const [touched, setTouched] = useState(false);
  const [asTemplate, setAsTemplate] = useState(false);
  const draft = draftOver(props.draft, value);
  const fits = inputFor(param, value, templates);
  const kind = templates && asTemplate && typeof (value ?? "") === "string" ? "template" : fits;
  const Widget = choices(kind, props.choices) ? Reference : WIDGETS[kind];
  const seen = touched && !draft ? faultOf(param, value, templates) : null;
  const wrong = problemsToShow(props.problems, draft, seen);
  const set = (next: unknown) => {
    setDraft(name, null);
    change(name, next);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only notes that the focus has been here
    <div
      className={wrong.length > 0 ? "param-field wrong" : "param-field"}
      data-param={name}
      onBlur={() => setTouched(true)}
    >
      <div className="param-head">
        <label htmlFor={id} id={`${id}-label`}>
          {param.label}
          {param.required && (
            <span className="param-needed" title="needed">
              *<span className="unseen"> needed</span>
            </span>
          )}
        </label>
        {param.label !== name && <code className="param-name">{name}</code>}
        <span className="param-state">
          <Standing param={param} value={value} kind={kind} leaveOut={() => set(undefined)} />
        </span>
        {templates && canSwitch(param) && (
          <TemplateSwitch kind={kind} value={value} set={set} choose={setAsTemplate} />
        )}
      </div>
      {param.description && <p className="param-about">{param.description}</p>}
      <Widget
        param={param}
        value={value}
        change={set}
        draft={draft}
        keep={(text, fault) => setDraft(name, { ...fault, text, over: written(value) })}
        completions={templates ? completions : null}
        choices={props.choices}
        marks={{
          id,
          "aria-describedby": `${id}-words ${id}-wrong`,
          "aria-invalid": wrong.length > 0 || undefined,
          "aria-required": param.required || undefined,
        }}
      />
      <Words param={param} id={`${id}-words`} kind={kind} value={value} />
      <div className="param-problems" id={`${id}-wrong`} aria-live="polite">
        {wrong.map(({ message, path, code }) => (
          <p key={`${path} ${message}`}>
            {path && <code>{path}</code>} {message} {code && <code className="code">{code}</code>}
          </p>
        ))}
      </div>
    </div>
  );
});

/** A text with known values is chosen from a list. */
const choices = (kind: Kind, known: readonly Option[] | null): boolean =>
  known !== null && kind === "text";

function problemsToShow(
  told: readonly FieldProblem[],
  draft: Draft | null,
  seen: string | null,
): Omit<FieldProblem, "name">[] {
  if (draft) {
    const where = draft.line === undefined ? "" : `Line ${draft.line}, column ${draft.column}: `;
    return [{ message: where + draft.message }];
  }
  return told.length > 0 || seen === null ? [...told] : [{ message: seen }];
}

function Standing({
  param,
  value,
  kind,
  leaveOut,
}: {
  param: Param;
  value: unknown;
  kind: Kind;
  leaveOut: () => void;
}) {
  if (value === undefined) {
    if (kind === "select") return null; // it says so itself
    if (!hasDefault(param)) return param.required ? null : "not set";
    return (
      <>
        default <code>{inline(param.default)}</code>
      </>
    );
  }
  const nothing = kind === "select" ? null : kindOfNothing(value);
  return (
    <>
      {nothing && <span className="nothing">{nothing}</span>}
      <button type="button" className="plain" onClick={leaveOut}>
        Leave out<span className="unseen"> {param.label}</span>
      </button>
    </>
  );
}

/** Both texts are kept while one goes back and forth. */
function TemplateSwitch({
  kind,
  value,
  set,
  choose,
}: {
  kind: Kind;
  value: unknown;
  set: (value: unknown) => void;
  choose: (on: boolean) => void;
}) {
  const aside = useRef<{ plain?: unknown; template?: unknown }>({});
  const on = kind === "template";
  const turn = () => {
    if (on) aside.current.template = value;
    else aside.current.plain = value;
    choose(!on);
    const next = on ? aside.current.plain : aside.current.template;
    set(on && isTemplated(next) ? undefined : next);
  };
  return (
    <button
      type="button"
      className="template-switch"
      aria-pressed={on}
      title={on ? "Give a value" : "Write a template"}
      onClick={turn}
    >
      <span aria-hidden="true">{"{{ }}"}</span>
      <span className="unseen">Template</span>
    </button>
  );
}

function Words({
  param,
  id,
  kind,
  value,
}: {
  param: Param;
  id: string;
  kind: Kind;
  value: unknown;
}) {
  const limits = limitsOf(param);
  const misfit = kind === "json" && kindOf(param) !== "json" && value !== undefined;
  return (
    <p className="param-words" id={id}>
      {misfit && <>The value is {typeWord(value)}, so it is shown as JSON. </>}
      {limits}
    </p>
  );
}
