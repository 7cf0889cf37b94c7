/** The pipeline as a whole: its name, params, settings, handlers and outputs. */

import { useState } from "react";
import { isObject } from "../../api/json";
import { listOf, put } from "../../definition/document";
import { useEditor } from "../context";
import { addStep, move, removeSteps, renameParameter } from "../model/changes";
import {
  actionOf,
  HANDLER_LISTS,
  type HandlerList,
  handlersPath,
  nameOf,
  stepsOf,
} from "../model/steps";
import { Fields, Optional } from "./Fields";
import { PARAMETER } from "./fields/parameter";
import { PIPELINE, PIPELINE_OUTPUTS, SETTINGS } from "./fields/pipeline";
import { CONCURRENCY } from "./fields/repeat";
import { type PanelTab, PanelTabs } from "./PanelTabs";
import { Unknown } from "./Unknown";

const TABS: PanelTab[] = [
  { id: "pipeline", word: "Pipeline", show: () => <General /> },
  { id: "parameters", word: "Params", show: () => <Parameters /> },
  { id: "settings", word: "Settings", show: () => <Settings /> },
  { id: "handlers", word: "Handlers", show: () => <Handlers /> },
];

const KNOWN = new Set(
  "$schema name version description parameters settings concurrency steps outputs".split(" "),
);

export function PipelinePanel() {
  return (
    <>
      <div className="panel-head">
        <div className="line">
          <h2>The pipeline</h2>
        </div>
        <span className="muted">Choose a step to see what it does.</span>
      </div>
      <PanelTabs label="Parts of the pipeline" tabs={TABS} />
    </>
  );
}

function General() {
  const { editing } = useEditor();
  return (
    <>
      <Fields params={PIPELINE} path={[]} placed={null} plain />
      <Fields params={PIPELINE_OUTPUTS} path={[]} placed={null} />
      <Unknown object={editing.document} known={KNOWN} path={[]} />
    </>
  );
}

function Parameters() {
  const { editing } = useEditor();
  const parameters = listOf(editing.document.parameters);
  const names = new Set(parameters.map((one) => (isObject(one) ? String(one.name) : "")));
  const add = () => {
    let name = "param";
    for (let number = 2; names.has(name); number++) name = `param_${number}`;
    editing.change(
      put(editing.document, ["parameters"], [...parameters, { name, type: "string" }]),
    );
  };
  const remove = (index: number) => {
    const rest = parameters.filter((_, other) => other !== index);
    editing.change(put(editing.document, ["parameters"], rest.length > 0 ? rest : undefined));
  };
  return (
    <>
      <p className="muted">What an execution is started with; forms are made of it.</p>
      {parameters.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a param is known by its place while it is typed
        <details key={index} className="editor-entry" open={parameters.length === 1}>
          <summary>
            <b>{isObject(one) ? String(one.name ?? "") : "?"}</b>{" "}
            <span className="muted">{isObject(one) ? String(one.type ?? "string") : ""}</span>
          </summary>
          <ParameterName index={index} name={isObject(one) ? String(one.name ?? "") : ""} />
          <Fields params={PARAMETER} path={["parameters", index]} placed={null} plain />
          <button type="button" className="plain" onClick={() => remove(index)}>
            Take this param away
          </button>
        </details>
      ))}
      <button type="button" onClick={add}>
        Add a param
      </button>
    </>
  );
}

/** Templates follow the name once it is typed. */
function ParameterName({ index, name }: { index: number; name: string }) {
  const { editing } = useEditor();
  const [text, setText] = useState(name);
  const [from, setFrom] = useState(name);
  if (from !== name) {
    setFrom(name);
    setText(name);
  }
  const rename = () => {
    if (text !== name) editing.change(renameParameter(editing.document, index, text));
  };
  return (
    <label className="param-field">
      <span className="param-head">Name</span>
      <input
        className="mono"
        value={text}
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onBlur={rename}
        onKeyDown={(event) => event.key === "Enter" && rename()}
      />
    </label>
  );
}

function Settings() {
  return (
    <>
      <Fields params={SETTINGS} path={["settings"]} placed={null} />
      <Optional
        title="One at a time"
        about="As many executions at once as are started."
        path={["concurrency"]}
        initial={{ key: "" }}
      >
        <Fields params={CONCURRENCY} path={["concurrency"]} placed={null} whole />
      </Optional>
    </>
  );
}

const WORDS: Record<HandlerList, string> = {
  on_success: "When it has completed",
  on_failure: "When it has failed",
  on_cancel: "When it was cancelled",
  finally: "After every end",
};

function Handlers() {
  return (
    <>
      <p className="muted">
        Steps that run when all others have ended, one after another. They see every step.
      </p>
      {HANDLER_LISTS.map((list) => (
        <HandlersOf key={list} list={list} />
      ))}
    </>
  );
}

function HandlersOf({ list }: { list: HandlerList }) {
  const { editing, palette, jump } = useEditor();
  const path = handlersPath(list);
  const handlers = stepsOf(editing.document, path);
  const add = (type: string) => {
    const name = palette?.byType.get(type)?.name ?? type;
    const { document, ids } = addStep(editing.document, path, { name, action: type, params: {} });
    editing.change(document);
    if (ids[0]) jump(ids[0]);
  };
  return (
    <section className="part">
      <header>
        <h3>{WORDS[list]}</h3>
        <code className="muted">{list}</code>
      </header>
      <ol className="waits">
        {handlers.map(({ key, id, index, step }) => (
          <li key={key}>
            <button type="button" className="plain" onClick={() => jump(id)}>
              {nameOf(step)}
            </button>
            <code className="muted">{actionOf(step).type}</code>
            <button
              type="button"
              className="plain take"
              disabled={index === 0}
              onClick={() =>
                editing.change(move({ document: editing.document, list: path }, index, index - 1))
              }
            >
              <span aria-hidden="true">↑</span>
              <span className="unseen">{id} earlier</span>
            </button>
            <button
              type="button"
              className="plain take"
              onClick={() => editing.change(removeSteps(editing.document, [id]))}
            >
              <span aria-hidden="true">×</span>
              <span className="unseen">Take {id} away</span>
            </button>
          </li>
        ))}
      </ol>
      {handlers.length === 0 && <p className="muted">None.</p>}
      <select
        value=""
        aria-label={`Add a handler: ${WORDS[list]}`}
        onChange={(event) => event.target.value && add(event.target.value)}
      >
        <option value="">Add a handler …</option>
        {palette?.categories.map(({ name, actions }) => (
          <optgroup key={name} label={name}>
            {actions.map((one) => (
              <option key={one.type} value={one.type}>
                {one.name}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </section>
  );
}
