/** What a step leaves for others. */

import { useEditor } from "../../context";
import { leftBy } from "../../model/names";
import { isBlock, type Placed } from "../../model/steps";
import { Fields } from "../Fields";
import { BLOCK_OUTPUTS } from "../fields/step";

export function Outputs({ placed }: { placed: Placed }) {
  const { palette } = useEditor();
  const left = leftBy(placed.step, (type) => palette?.byType.get(type)?.outputs ?? []);
  return (
    <>
      {isBlock(placed.step) && <Fields params={BLOCK_OUTPUTS} path={placed.path} placed={placed} />}
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
