/** What the action of a step is given. */

import { useEditor } from "../../context";
import { actionOf, type Placed } from "../../model/steps";
import { ActionChoice } from "../ActionChoice";
import { Fields } from "../Fields";
import { NAME } from "../fields/step";
import { StepId } from "../StepId";
import { Unknown } from "../Unknown";
import { KNOWN } from "./known";
import { useChoices } from "./useChoices";

export function Params({ placed }: { placed: Placed }) {
  const { palette } = useEditor();
  const { step, path } = placed;
  const action = palette?.byType.get(actionOf(step).type);
  const choicesOf = useChoices(placed);
  return (
    <>
      <div className="two">
        <StepId placed={placed} />
        <Fields params={NAME} path={path} placed={placed} plain />
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
