/** A form made from parameters: of an action, or (`fieldsOf`) of a pipeline. */

import { useCallback, useEffect, useMemo, useRef } from "react";
import { own } from "../api/json";
import { Field } from "./Field";
import "./forms.css";
import { type Drafts, type SetDraft, useDrafts } from "./drafts";
import {
  groupsOf,
  isShown,
  type Option,
  type Param,
  strangers,
  type Values,
  withValue,
} from "./param";
import type { FieldProblem } from "./problems";
import type { Completion } from "./templates";

interface Props {
  params: readonly Param[];
  values: Values;
  onChange: (values: Values) => void;
  /** What the server has said; each stands at its field, the others above. */
  problems?: readonly FieldProblem[];
  /** `templates`: each field may hold a template, with names from *completions*. */
  mode?: "values" | "templates";
  completions?: readonly Completion[];
  /** Values that are known for a parameter, such as names of pipelines or ids of steps. */
  choicesOf?: (param: Param) => readonly Option[] | null;
  /** Texts that cannot be read yet; whoever sends the values asks whether there are any. */
  drafts?: Drafts;
  onDraft?: SetDraft;
}

const NONE: readonly never[] = [];

export function ParamFields(props: Props) {
  const { params, values, problems = NONE, mode = "values", completions = NONE } = props;
  const [ownDrafts, setOwnDraft] = useDrafts();
  const drafts = props.drafts ?? ownDrafts;
  const latest = useRef({ values, props, setOwnDraft });
  useEffect(() => {
    latest.current = { values, props, setOwnDraft };
  });
  const change = useCallback((name: string, value: unknown) => {
    const next = withValue(latest.current.values, name, value);
    latest.current.values = next; // two changes may come before the next paint
    latest.current.props.onChange(next);
  }, []);
  const setDraft: SetDraft = useCallback((name, draft) => {
    (latest.current.props.onDraft ?? latest.current.setOwnDraft)(name, draft);
  }, []);
  const shown = params.filter((param) => isShown(param, params, values));
  const field = (param: Param) => (
    <Field
      key={param.name}
      param={param}
      value={own(values, param.name)}
      change={change}
      draft={own(drafts, param.name)}
      setDraft={setDraft}
      problems={problemsAt(problems, param.name)}
      templates={mode === "templates"}
      completions={completions}
      choices={props.choicesOf?.(param) ?? null}
    />
  );
  const others = useStrangers(params, values);
  return (
    <div className="param-fields">
      <Others problems={problems} shown={[...shown, ...others]} />
      {groupsOf(shown).map(({ heading, params: members }) =>
        heading === null ? (
          members.map(field)
        ) : (
          <fieldset key={heading} className="param-group">
            <legend>{heading}</legend>
            {members.map(field)}
          </fieldset>
        ),
      )}
      {others.length > 0 && (
        <fieldset className="param-group">
          <legend>Not declared, but kept</legend>
          {others.map(field)}
        </fieldset>
      )}
    </div>
  );
}

function problemsAt(problems: readonly FieldProblem[], name: string): readonly FieldProblem[] {
  const found = problems.filter((problem) => problem.name === name);
  return found.length > 0 ? found : NONE;
}

/** Problems of no field in sight. */
function Others({
  problems,
  shown,
}: {
  problems: readonly FieldProblem[];
  shown: readonly Param[];
}) {
  const names = new Set(shown.map(({ name }) => name));
  const rest = problems.filter(({ name }) => !names.has(name));
  if (rest.length === 0) return null;
  return (
    <ul className="problems" role="alert">
      {rest.map(({ name, message, code }) => (
        <li key={`${name} ${message}`}>
          {name && <code>{name}</code>} {message} {code && <code className="code">{code}</code>}
        </li>
      ))}
    </ul>
  );
}

/** Fields for values that nobody has declared: the same ones as long as the names are the same. */
function useStrangers(params: readonly Param[], values: Values): Param[] {
  const names = strangers(params, values);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the names are what it depends on
  return useMemo(
    () => names.map((name): Param => ({ name, label: name, type: "json" })),
    [JSON.stringify(names)],
  );
}

/** Lead to the first field with a problem; tells whether there is one. */
export function focusFirstProblem(form: HTMLElement | null): boolean {
  const found = form?.querySelector<HTMLElement>('[aria-invalid="true"], .param-field.wrong input');
  found?.focus();
  return found != null;
}
