/** What few steps need: undoing, limits, notices, and where they run. */

import { isObject } from "../../../api/json";
import { useEditor } from "../../context";
import { actionOf, isBlock, type Placed } from "../../model/steps";
import { Fields, Optional, Several } from "../Fields";
import { CONCURRENCY } from "../fields/repeat";
import { COMPENSATE, NOTIFY, RUNS } from "../fields/step";
import { useChoices } from "./useChoices";

export function More({ placed }: { placed: Placed }) {
  const { path, step, isHandler } = placed;
  const runs = isBlock(step) ? RUNS.filter(({ name }) => name === "weight") : RUNS;
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
          <Fields params={CONCURRENCY} path={[...path, "concurrency"]} placed={placed} whole />
        </Optional>
      )}
      <Several
        title="Tell somebody"
        about="Nobody is told of this step in words of its own."
        one="notice"
        path={[...path, "notify"]}
        initial={{ on: ["failed"], subscription: "", message: "" }}
        params={NOTIFY}
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
  const { palette } = useEditor();
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
      <Fields params={COMPENSATE} path={path} placed={placed} choicesOf={choicesOf} />
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
