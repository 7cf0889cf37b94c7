/** What a step waits for, and how much of it: the lines of the canvas in words, for the keyboard. */

import { useId } from "react";
import { isObject, type Json } from "../../api/json";
import { put } from "../../definition/document";
import { announce } from "../../parts/announce";
import { useEditor } from "../context";
import { connect, disconnect } from "../model/changes";
import { whyNotConnected } from "../model/graph";
import { dependsOn, nameOf, type Placed, stepsOf } from "../model/steps";
import { Fields } from "./Fields";
import { AT_LEAST, CANCEL_REST, TRIGGER_RULES } from "./fields/step";

export function DependsOn({ placed }: { placed: Placed }) {
  const { editing, jump } = useEditor();
  const field = useId();
  const steps = stepsOf(editing.document, placed.list);
  const waits = dependsOn(placed.step);
  const names = new Map(steps.map(({ id, step }) => [id, nameOf(step)]));
  const others = steps.filter(({ id }) => id !== placed.id && !waits.includes(id));
  const add = (from: string) => {
    const why = whyNotConnected(steps, from, placed.id);
    if (why) announce(why, { failed: true });
    else editing.change(connect(editing.document, placed.list, from, placed.id));
  };
  return (
    <div className="param-field" data-param="depends_on">
      <div className="param-head">
        <label htmlFor={field}>Waits for</label>
      </div>
      {waits.length === 0 && <p className="muted">Nothing: it begins at once.</p>}
      <ul className="waits">
        {waits.map((id) => (
          <li key={id}>
            <button type="button" className="plain" onClick={() => jump(id)}>
              {names.get(id) ?? id}
            </button>
            <code className="muted">{names.has(id) ? id : "there is no such step"}</code>
            <button
              type="button"
              className="plain take"
              onClick={() =>
                editing.change(disconnect(editing.document, placed.list, id, placed.id))
              }
            >
              <span aria-hidden="true">×</span>
              <span className="unseen">Do not wait for {id}</span>
            </button>
          </li>
        ))}
      </ul>
      <select id={field} value="" onChange={(event) => add(event.target.value)}>
        <option value="">Wait for another step …</option>
        {others.map(({ key, id, step }) => (
          <option key={key} value={id} disabled={whyNotConnected(steps, id, placed.id) !== null}>
            {nameOf(step)} ({id})
          </option>
        ))}
      </select>
    </div>
  );
}

export function TriggerRule({ placed }: { placed: Placed }) {
  const { editing } = useEditor();
  const field = useId();
  const path = [...placed.path, "trigger_rule"];
  const rule = placed.step.trigger_rule;
  const shown = isObject(rule) ? "at_least" : String(rule ?? "").toLowerCase();
  if (dependsOn(placed.step).length === 0 && rule === undefined) return null;
  const choose = (word: string) => {
    const next: Json | undefined = word === "at_least" ? { at_least: 1 } : word || undefined;
    editing.change(put(editing.document, path, next));
  };
  const known = ["", "at_least", ...TRIGGER_RULES.map(([word]) => word)];
  return (
    <>
      <div className="param-field" data-param="trigger_rule">
        <div className="param-head">
          <label htmlFor={field}>Starts when</label>
          <code className="param-name">trigger_rule</code>
        </div>
        <select id={field} value={shown} onChange={(event) => choose(event.target.value)}>
          <option value="">all ended, none with a failure that nobody handled (default)</option>
          {TRIGGER_RULES.map(([word, meaning]) => (
            <option key={word} value={word}>
              {meaning} ({word})
            </option>
          ))}
          <option value="at_least">at least so many completed (at_least)</option>
          {!known.includes(shown) && <option value={shown}>{shown}</option>}
        </select>
      </div>
      {isObject(rule) && <Fields params={AT_LEAST} path={path} placed={placed} whole />}
      {(EAGER.has(shown) || placed.step.cancel_rest !== undefined) && (
        <Fields params={CANCEL_REST} path={placed.path} placed={placed} />
      )}
    </>
  );
}

const EAGER = new Set(["one_success", "one_failed", "one_done", "at_least"]);
