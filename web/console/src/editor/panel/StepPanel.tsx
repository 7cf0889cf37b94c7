/** All that a definition says of one step. */

import type { ReactNode } from "react";
import { isObject } from "../../api/json";
import { put as putAt } from "../../definition/document";
import type { Option, Param } from "../../forms/param";
import { Link, useQueryString, withQuery } from "../../router";
import { useBench } from "../bench";
import { Glyph } from "../Glyph";
import { leftBy } from "../model/names";
import { actionOf, isBlock, nameOf, type Placed, stepsOf } from "../model/steps";
import { ActionChoice } from "./ActionChoice";
import { DependsOn, TriggerRule } from "./DependsOn";
import { Fields, Optional, Several } from "./Fields";
import * as fields from "./fields";
import { StepId } from "./StepId";
import { Unknown } from "./Unknown";

interface Tab {
  id: string;
  word: string;
  show: () => ReactNode;
}

export function StepPanel({ placed }: { placed: Placed }) {
  const { palette } = useBench();
  const { step } = placed;
  const action = palette?.byType.get(actionOf(step).type);
  const tabs = tabsOf(placed);
  const wanted = useQueryString().get("tab");
  const here = tabs.find(({ id }) => id === wanted) ?? tabs[0];
  return (
    <>
      <div className="panel-head">
        <div className="line">
          <Glyph icon={isBlock(step) ? "block" : (action?.icon ?? "dot")} color={action?.color} />
          <h2 title={nameOf(step)}>{nameOf(step)}</h2>
          <Link className="close" href={withQuery({ step: null })} aria-label="Close the step">
            ×
          </Link>
        </div>
        <span className="id muted">
          {placed.id} ·{" "}
          {isBlock(step) ? "block" : `${actionOf(step).type} ${action?.version ?? ""}`}
        </span>
      </div>
      <nav className="panel-tabs" aria-label="Parts of the step">
        {tabs.map(({ id, word }) => (
          <Link
            key={id}
            href={withQuery({ tab: id === tabs[0]?.id ? null : id })}
            aria-current={id === here?.id ? "true" : undefined}
          >
            {word}
          </Link>
        ))}
      </nav>
      <div className="panel-body" key={here?.id}>
        {here?.show()}
      </div>
    </>
  );
}

function tabsOf(placed: Placed): Tab[] {
  const block = isBlock(placed.step);
  return [
    {
      id: "params",
      word: block ? "Block" : "Params",
      show: () => (block ? <Block placed={placed} /> : <Params placed={placed} />),
    },
    { id: "when", word: "When", show: () => <When placed={placed} /> },
    { id: "each", word: block ? "Repeat" : "For each", show: () => <Repeat placed={placed} /> },
    { id: "time", word: "Retry", show: () => <Failure placed={placed} /> },
    { id: "more", word: "More", show: () => <More placed={placed} /> },
    { id: "outputs", word: "Outputs", show: () => <Outputs placed={placed} /> },
  ];
}

function Params({ placed }: { placed: Placed }) {
  const { palette } = useBench();
  const { step, path } = placed;
  const action = palette?.byType.get(actionOf(step).type);
  const choicesOf = useChoices(placed);
  return (
    <>
      <div className="two">
        <StepId placed={placed} />
        <Fields params={fields.NAME} path={path} placed={placed} plain />
      </div>
      <ActionChoice placed={placed} />
      <Fields
        params={action?.params ?? []}
        path={[...path, "params"]}
        placed={placed}
        whole
        choicesOf={choicesOf}
      />
      {action?.params.length === 0 && <p className="muted">This action has no params.</p>}
      <Unknown object={step} known={KNOWN} path={path} />
    </>
  );
}

/** What stands in a step that the engine reads; all else is kept, and shown. */
const KNOWN = new Set(
  (
    "id name action params depends_on outputs steps while condition on_failure timeout_seconds retry " +
    "catch trigger_rule cancel_rest for_each concurrency compensate tags idempotent queue weight " +
    "notify when"
  ).split(" "),
);

function Block({ placed }: { placed: Placed }) {
  const { editing } = useBench();
  const inner = stepsOf(editing.document, [...placed.path, "steps"]);
  return (
    <>
      <div className="two">
        <StepId placed={placed} />
        <Fields params={fields.NAME} path={placed.path} placed={placed} plain />
      </div>
      <section className="part">
        <header>
          <h3>Steps in it</h3>
          <Link className="button" href={withQuery({ in: placed.id, step: null })}>
            Open the block
          </Link>
        </header>
        <ul className="plain-list">
          {inner.map(({ key, id, step }) => (
            <li key={key}>
              <Link href={withQuery({ in: placed.id, step: id })}>{nameOf(step)}</Link>{" "}
              <code className="muted">{actionOf(step).type}</code>
            </li>
          ))}
        </ul>
      </section>
      <Unknown object={placed.step} known={KNOWN} path={placed.path} />
    </>
  );
}

function When({ placed }: { placed: Placed }) {
  const { path, isHandler } = placed;
  return (
    <>
      {isHandler ? (
        <Fields params={fields.HANDLER_WHEN} path={path} placed={placed} />
      ) : (
        <>
          <DependsOn placed={placed} />
          <TriggerRule placed={placed} />
        </>
      )}
      <Fields params={fields.CONDITION} path={path} placed={placed} />
    </>
  );
}

function Repeat({ placed }: { placed: Placed }) {
  const { path, step } = placed;
  return (
    <>
      <Optional
        title="For each"
        about="Runs once for each of a list: a row of its own for each item."
        path={[...path, "for_each"]}
        initial={{ items: "" }}
      >
        <ForEach placed={placed} />
      </Optional>
      {isBlock(step) && (
        <Optional
          title="While"
          about="Repeats the block round after round, until something holds."
          path={[...path, "while"]}
          initial={{ condition: "" }}
        >
          <Fields params={fields.WHILE} path={[...path, "while"]} placed={placed} whole />
        </Optional>
      )}
    </>
  );
}

/** A list or a template alone is short for an object with `items`. */
function ForEach({ placed }: { placed: Placed }) {
  const { editing } = useBench();
  const path = [...placed.path, "for_each"];
  const value = placed.step.for_each;
  if (isObject(value)) return <Fields params={fields.FOR_EACH} path={path} placed={placed} whole />;
  const items = fields.FOR_EACH.slice(0, 1).map((param) => ({ ...param, name: "for_each" }));
  const widen = () => editing.change(putAt(editing.document, path, { items: value ?? "" }));
  return (
    <>
      <Fields params={items} path={placed.path} placed={placed} />
      <button type="button" onClick={widen}>
        Say how many at once, and what may fail
      </button>
    </>
  );
}

function Failure({ placed }: { placed: Placed }) {
  const { path } = placed;
  return (
    <>
      <Fields params={fields.TIMES} path={path} placed={placed} />
      <Several
        title="Retry"
        about="An attempt that fails is the last, unless the pipeline or the action says otherwise."
        one="policy"
        path={[...path, "retry"]}
        initial={{ max_attempts: 3 }}
        params={fields.RETRY}
        placed={placed}
      />
      <Several
        title="Catch"
        about="What is left of a failure after the last attempt counts as the step's own."
        one="catch"
        path={[...path, "catch"]}
        initial={{ errors: "*" }}
        params={fields.CATCH}
        placed={placed}
      />
    </>
  );
}

function More({ placed }: { placed: Placed }) {
  const { path, step, isHandler } = placed;
  const runs = isBlock(step) ? fields.RUNS.filter(({ name }) => name === "weight") : fields.RUNS;
  return (
    <>
      {!isHandler && <Undo placed={placed} />}
      {!isHandler && (
        <Optional
          title="One at a time"
          about="No limit to how many such steps there may be in all executions."
          path={[...path, "concurrency"]}
          initial={{ key: "" }}
        >
          <Fields
            params={fields.CONCURRENCY}
            path={[...path, "concurrency"]}
            placed={placed}
            whole
          />
        </Optional>
      )}
      <Several
        title="Tell somebody"
        about="Nobody is told of this step in words of its own."
        one="notice"
        path={[...path, "notify"]}
        initial={{ on: ["failed"], subscription: "", message: "" }}
        params={fields.NOTIFY}
        placed={placed}
      />
      <section className="part">
        <header>
          <h3>How it runs</h3>
        </header>
        <Fields
          params={isHandler ? runs.filter(({ name }) => name !== "tags") : runs}
          path={path}
          placed={placed}
        />
      </section>
    </>
  );
}

function Undo({ placed }: { placed: Placed }) {
  const { palette } = useBench();
  const { step } = placed;
  const path = [...placed.path, "compensate"];
  const undo = isObject(step.compensate) ? step.compensate : {};
  const action = palette?.byType.get(actionOf(undo).type);
  const choicesOf = useChoices(placed);
  return (
    <Optional
      title="Undo"
      about="Nothing undoes this step when the execution fails or is cancelled."
      path={path}
      initial={{ action: "http_request", params: {} }}
    >
      <Fields params={fields.COMPENSATE} path={path} placed={placed} choicesOf={choicesOf} />
      <h4>Params of {action?.name ?? "its action"}</h4>
      <Fields
        params={action?.params ?? []}
        path={[...path, "params"]}
        placed={placed}
        whole
        choicesOf={choicesOf}
      />
    </Optional>
  );
}

function Outputs({ placed }: { placed: Placed }) {
  const { palette } = useBench();
  const left = leftBy(placed.step, (type) => palette?.byType.get(type)?.outputs ?? []);
  return (
    <>
      {isBlock(placed.step) && (
        <Fields params={fields.BLOCK_OUTPUTS} path={placed.path} placed={placed} />
      )}
      <p className="muted">
        {left.length > 0
          ? "Steps behind this one, and the pipeline's outputs, find:"
          : "This step does not say what it leaves."}
      </p>
      <ul className="plain-list outputs">
        {left.map(({ name, type, description }) => (
          <li key={name}>
            <code>{`{{ steps.${placed.id}.outputs.${name} }}`}</code>
            <span className="muted">
              {type}
              {description ? ` · ${description}` : ""}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Steps for targets, and actions for what runs an action itself. */
function useChoices(placed: Placed): (param: Param) => readonly Option[] | null {
  const { editing, palette } = useBench();
  return (param) => {
    if (param.type === "branches") {
      return stepsOf(editing.document, placed.list)
        .filter(({ id }) => id !== placed.id)
        .map(({ id, step }) => ({ value: id, label: nameOf(step) }));
    }
    if (param.name !== "action") return null;
    return [...(palette?.byType.values() ?? [])].map(({ type, name }) => ({
      value: type,
      label: name,
    }));
  };
}
