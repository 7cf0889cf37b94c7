/** Whether a step runs once, for each of a list, or round after round. */

import { isObject } from "../../../api/json";
import { put } from "../../../definition/document";
import { useEditor } from "../../context";
import { isBlock, type Placed } from "../../model/steps";
import { Fields, Optional } from "../Fields";
import { FOR_EACH, WHILE } from "../fields/repeat";

export function Repeat({ placed }: { placed: Placed }) {
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
          <Fields params={WHILE} path={[...path, "while"]} placed={placed} whole />
        </Optional>
      )}
    </>
  );
}

/** A list or a template alone is short for an object with `items`. */
function ForEach({ placed }: { placed: Placed }) {
  const { editing } = useEditor();
  const path = [...placed.path, "for_each"];
  const value = placed.step.for_each;
  if (isObject(value)) return <Fields params={FOR_EACH} path={path} placed={placed} whole />;
  const items = FOR_EACH.slice(0, 1).map((param) => ({ ...param, name: "for_each" }));
  const widen = () => editing.change(put(editing.document, path, { items: value ?? "" }));
  return (
    <>
      <Fields params={items} path={placed.path} placed={placed} />
      <button type="button" onClick={widen}>
        Say how many at once, and what may fail
      </button>
    </>
  );
}
