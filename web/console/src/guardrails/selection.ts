/** The probes that are selected, and of each the rules: all that are on, or only these. */

import { isObject } from "../api/json";
import type { FieldProblem } from "../forms/problems";
import type { KnownRule } from "./suggestions";
import type { Probe, Rule } from "./workflow";

/** Words of the engine for a rule that is switched off. */
const OFF = ["disabled", "inactive", "deleted", "off"];

/** What stands in a form; a list with nothing in it is one with an empty place. */
export function probesIn(value: unknown): Probe[] {
  const found = Array.isArray(value) ? value.filter(isObject) : [];
  return found.map((one) => ({ ...one, id: typeof one.id === "string" ? one.id : "" }));
}

/** Null: all that are on. */
export function rulesOf({ rules }: Probe): readonly Rule[] | null {
  return Array.isArray(rules) && rules.length > 0 ? rules : null;
}

const isOn = (rule: Rule): boolean => !OFF.includes(String(rule.status ?? "").toLowerCase());

/** A line of the list of rules: one that is known, or one that was only named. */
export interface RuleLine extends KnownRule {
  chosen: boolean;
}

export function ruleLines(probe: Probe, known: readonly KnownRule[]): RuleLine[] {
  const rules = rulesOf(probe) ?? [];
  const named = rules
    .filter(({ id }) => !known.some((one) => one.id === id))
    .map(({ id }) => ({ id, name: null, model: null }));
  const chosen = (id: string) => rules.some((rule) => rule.id === id && isOn(rule));
  return [...known, ...named].map((line) => ({ ...line, chosen: chosen(line.id) }));
}

/** The same probe with a rule that counts, or does not; what else is said of the others stays. */
export function withRule(probe: Probe, id: string, on: boolean): Probe {
  const others = (probe.rules ?? []).filter((rule) => rule.id !== id);
  return { ...probe, rules: on ? [...others, { id }] : others };
}

/** Only these rules; at first all that are known. Null: all that are on. */
export function withRules(probe: Probe, known: readonly KnownRule[] | null): Probe {
  if (known !== null) return { ...probe, rules: known.map(({ id }) => ({ id })) };
  const { rules: _, ...rest } = probe;
  return rest as Probe;
}

/** Of the problems with the selection those with the probe at *index*, by its own fields. */
export function problemsAt(problems: readonly FieldProblem[], index: number): FieldProblem[] {
  return problems.flatMap(({ name, path = "", ...rest }) => {
    const [at, field = "", ...inside] = path.split("/");
    if (name !== "probe_selections" || at !== String(index)) return [];
    return [{ ...rest, name: field, ...(inside.length > 0 ? { path: inside.join("/") } : {}) }];
  });
}
