/** Which names a template may use at a place of the definition. */

import { isObject, type Members } from "../../api/json";
import { listOf } from "../../definition/document";
import { seenBy } from "./graph";
import { actionOf, blocksAround, isBlock, nameOf, type Placed, ROOT, stepsOf } from "./steps";

/** A name that can be written. */
export interface Name {
  text: string;
  /** Its type, or what it is. */
  about: string;
}

export interface Output {
  name: string;
  type: string;
  description?: string;
}

/** What each action leaves; by its type. */
export type OutputsOf = (action: string) => readonly Output[];

const EXECUTION = ["id", "name", "pipeline_id", "initiator", "user_id", "created_at"];
const FAN_OUT: Output[] = [
  { name: "results", type: "array" },
  { name: "total", type: "number" },
  { name: "completed", type: "number" },
  { name: "failed", type: "number" },
];
const LOOP: Output[] = [
  { name: "result", type: "any" },
  { name: "iterations", type: "number" },
  { name: "carry", type: "any" },
  { name: "collected", type: "array" },
];
const ITEM: Name[] = [
  { text: "item", about: "the item" },
  { text: "item_index", about: "its number, from 0" },
  { text: "item_key", about: "its key" },
];
const ROUND: Name[] = [
  { text: "result", about: "outputs of the round before" },
  { text: "iteration", about: "the number of the round" },
  { text: "failures", about: "failures in a row" },
  { text: "carry", about: "what the round before handed on" },
];

/** All names at a step of the definition; without a step, those of the pipeline's own outputs. */
export function namesAt(document: Members, placed: Placed | null, outputsOf: OutputsOf): Name[] {
  const steps = placed ? seenBy(document, placed) : stepsOf(document, ROOT);
  return [
    ...(placed ? aroundNames(document, placed) : []),
    ...steps.flatMap((step) => namesOfStep(step, outputsOf)),
    ...paramNames(document),
    ...EXECUTION.map((name) => ({ text: `execution.${name}`, about: "of the execution" })),
    ...(placed?.isHandler
      ? ["status", "error"].map((name) => ({ text: `execution.${name}`, about: "how it ended" }))
      : []),
    { text: "now", about: "the time" },
  ];
}

function paramNames(document: Members): Name[] {
  return listOf(document.parameters)
    .filter(isObject)
    .flatMap(({ name, type }) =>
      typeof name === "string" && name
        ? [{ text: `params.${name}`, about: `${type ?? "string"} · param` }]
        : [],
    );
}

function aroundNames(document: Members, placed: Placed): Name[] {
  const within = [placed, ...blocksAround(document, placed.list).reverse()];
  const nearest = within.find(({ step }) => step.for_each || (isBlock(step) && step.while));
  if (!nearest) return [];
  return nearest.step.for_each ? ITEM : ROUND;
}

function namesOfStep({ id, step }: Placed, outputsOf: OutputsOf): Name[] {
  const root = /^[A-Za-z_]\w*$/.test(id) ? `steps.${id}` : `steps["${id}"]`;
  const left = leftBy(step, outputsOf).map(({ name, type }) => ({
    text: `${root}.outputs.${name}`,
    about: `${type} · ${nameOf(step)}`,
  }));
  return [...left, { text: `${root}.status`, about: `status · ${nameOf(step)}` }];
}

/** What a step leaves for those behind it. */
export function leftBy(step: Members, outputsOf: OutputsOf): readonly Output[] {
  if (step.for_each) return FAN_OUT;
  if (isBlock(step)) return step.while ? LOOP : declared(step.outputs);
  const { type } = actionOf(step);
  const own = isObject(step.params) ? declared(step.params.outputs) : [];
  return type === "set_output" && own.length > 0 ? own : outputsOf(type);
}

const declared = (outputs: unknown): Output[] =>
  isObject(outputs) ? Object.keys(outputs).map((name) => ({ name, type: "any" })) : [];
