/** All that a definition says of one step. */

import { Link, withQuery } from "../../router";
import { useEditor } from "../context";
import { Glyph } from "../Glyph";
import { actionOf, isBlock, nameOf, type Placed } from "../model/steps";
import { type PanelTab, PanelTabs } from "./PanelTabs";
import { Block } from "./step/Block";
import { Failure } from "./step/Failure";
import { More } from "./step/More";
import { Outputs } from "./step/Outputs";
import { Params } from "./step/Params";
import { Repeat } from "./step/Repeat";
import { When } from "./step/When";

export function StepPanel({ placed }: { placed: Placed }) {
  const { palette } = useEditor();
  const { step } = placed;
  const action = palette?.byType.get(actionOf(step).type);
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
      <PanelTabs label="Parts of the step" tabs={tabsOf(placed)} />
    </>
  );
}

function tabsOf(placed: Placed): PanelTab[] {
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
