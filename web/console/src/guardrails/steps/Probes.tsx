/** Step 3: the probes, and of each the rules that count; or those of a profile that there is. */

import { useState } from "react";
import { ParamFields } from "../../forms/ParamFields";
import { type Param, same, type Values, withValue } from "../../forms/param";
import type { FieldProblem } from "../../forms/problems";
import { More } from "../../parts/Field";
import {
  probesIn,
  problemsAt,
  type RuleLine,
  ruleLines,
  rulesOf,
  withRule,
  withRules,
} from "../selection";
import type { KnownRule } from "../suggestions";
import { Words } from "../Words";
import type { Probe } from "../workflow";
import type { FormProps } from "./form";
import { Plain } from "./Plain";

const PROFILE: Param[] = [
  {
    name: "guardrail_profile_id",
    label: "Profile that there is",
    type: "string",
    description:
      "It is changed in place of a new one. Without probes of your own, those that it selects are taken.",
  },
];
const EMPTY: Probe = { id: "" };

export function Probes(props: FormProps) {
  const { values, change, problems, earlier } = props;
  const said = probesIn(values.probe_selections);
  const probes = said.length > 0 ? said : [EMPTY];
  const set = (next: Probe[]) => {
    const isNothing = next.every((probe) => same(probe, EMPTY));
    change(withValue(values, "probe_selections", isNothing ? undefined : next));
  };
  const { guardrail_profile_id } = values;
  const own = problems.filter(({ name, path }) => name === "probe_selections" && !path);
  const others = problems.filter(({ name }) => name !== "probe_selections");
  return (
    <>
      {probes.map((probe, at) => (
        <ProbeForm
          // biome-ignore lint/suspicious/noArrayIndexKey: its id is what one types
          key={at}
          number={at + 1}
          probe={probe}
          known={earlier.rules[probe.id] ?? []}
          probes={earlier.values.probes ?? []}
          kinds={earlier.values.guard_types ?? []}
          problems={problemsAt(problems, at)}
          change={(next) => set(probes.map((one, other) => (other === at ? next : one)))}
          remove={
            said.length > 0 ? () => set(probes.filter((_, other) => other !== at)) : undefined
          }
        />
      ))}
      {own.map(({ message, code }) => (
        <p key={message} className="guardrail-problem" role="alert">
          {message} {code && <code>{code}</code>}
        </p>
      ))}
      <button type="button" className="add" onClick={() => set([...probes, EMPTY])}>
        Add a probe
      </button>
      <More word="Change a profile that there is" isOpen={guardrail_profile_id !== undefined}>
        <Plain
          {...props}
          params={PROFILE}
          problems={others}
          values={guardrail_profile_id === undefined ? {} : { guardrail_profile_id }}
          change={(next) =>
            change(withValue(values, "guardrail_profile_id", next.guardrail_profile_id))
          }
        />
      </More>
    </>
  );
}

interface ProbeProps {
  number: number;
  probe: Probe;
  known: readonly KnownRule[];
  probes: readonly string[];
  kinds: readonly string[];
  problems: readonly FieldProblem[];
  change: (probe: Probe) => void;
  remove: (() => void) | undefined;
}

const PARAMS: Param[] = [
  { name: "id", label: "Probe", type: "string", description: "Its id at budapp.", required: true },
  {
    name: "severity_threshold",
    label: "Severity threshold",
    type: "number",
    description: "From which severity it steps in; left out, that of the profile.",
    validation: { min: 0, max: 1 },
  },
];

function ProbeForm({ number, probe, known, probes, kinds, problems, change, remove }: ProbeProps) {
  const { rules, guard_types, ...rest } = probe;
  const values: Values = Object.fromEntries(
    Object.entries(rest).filter(([name, value]) => value !== null && (name !== "id" || value)),
  );
  const setValues = (next: Values) =>
    change({ ...withKept({ rules, guard_types }), id: "", ...next } as Probe);
  const shown = new Set(["rules", "guard_types"]);
  return (
    <fieldset className="probe">
      <legend>
        <span>Probe {number}</span>
        {remove && (
          <button type="button" className="plain" onClick={remove}>
            Take away<span className="unseen"> probe {number}</span>
          </button>
        )}
      </legend>
      <ParamFields
        params={PARAMS}
        values={values}
        onChange={setValues}
        problems={problems.filter(({ name }) => !shown.has(name))}
        choicesOf={({ name }) =>
          name === "id" ? probes.map((value) => ({ value, label: value })) : null
        }
      />
      <Words
        name="guard_types"
        label="Guard types"
        about="What it looks at: input, output. Left out, those of the profile."
        known={[...new Set(["input", "output", ...kinds])]}
        value={guard_types}
        change={(next) => {
          const { guard_types: _, ...others } = probe;
          change(next.length > 0 ? { ...others, guard_types: next } : (others as Probe));
        }}
        problems={problems}
      />
      <Rules probe={probe} known={known} change={change} problems={problems} />
    </fieldset>
  );
}

const withKept = (members: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

interface RulesProps extends Pick<ProbeProps, "probe" | "known" | "change" | "problems"> {}

function Rules({ probe, known, change, problems }: RulesProps) {
  const [choosing, setChoosing] = useState(false);
  const some = rulesOf(probe) !== null || choosing;
  const turn = (on: boolean) => {
    setChoosing(on);
    change(withRules(probe, on ? known : null));
  };
  const lines = ruleLines(probe, known);
  return (
    <fieldset className="guardrail-rules">
      <legend className="unseen">Rules</legend>
      <label className="guardrail-rule">
        <input type="radio" checked={!some} onChange={() => turn(false)} />
        All of its rules that are on
      </label>
      <label className="guardrail-rule">
        <input type="radio" checked={some} onChange={() => turn(true)} />
        Only these rules
      </label>
      {some && (
        <div className="rule-lines">
          {lines.map((line) => (
            <RuleBox
              key={line.id}
              line={line}
              turn={(on) => change(withRule(probe, line.id, on))}
            />
          ))}
          <Words
            name="rules"
            label={lines.length > 0 ? "Other rules" : "Rules"}
            about="Ids of rules of this probe. Rules with a model are listed once the probe was said."
            value={[]}
            change={(ids) => {
              const [id] = ids;
              if (typeof id === "string") change(withRule(probe, id, true));
            }}
            problems={problems.map((one) => named(one, probe))}
          />
        </div>
      )}
    </fieldset>
  );
}

/** Which rule a problem is about, for whoever does not count them. */
function named(problem: FieldProblem, probe: Probe): FieldProblem {
  const { path, ...rest } = problem;
  const rule = probe.rules?.[Number(path?.split("/")[0])];
  return rule && problem.name === "rules"
    ? { ...rest, message: `${rule.id}: ${rest.message}` }
    : problem;
}

function RuleBox({ line, turn }: { line: RuleLine; turn: (on: boolean) => void }) {
  return (
    <label className="guardrail-rule">
      <input
        type="checkbox"
        checked={line.chosen}
        onChange={(event) => turn(event.target.checked)}
      />
      <span>
        {line.name ?? line.id}
        {line.model && <span className="sub">{line.model}</span>}
      </span>
    </label>
  );
}
