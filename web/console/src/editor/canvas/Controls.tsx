import { Panel, useReactFlow } from "@xyflow/react";
import { useKeys } from "../../keys/useKeys";
import { FIT } from "./places";

export function Controls() {
  const { fitView, zoomIn, zoomOut } = useReactFlow();
  useKeys([{ keys: "f", word: "Show all steps", where: "Canvas", act: () => void fitView(FIT) }]);
  return (
    <Panel position="bottom-right" className="corner">
      <button type="button" onClick={() => void zoomOut()} aria-label="Smaller">
        −
      </button>
      <button type="button" onClick={() => void zoomIn()} aria-label="Larger">
        +
      </button>
      <button type="button" onClick={() => void fitView(FIT)}>
        Fit <kbd>f</kbd>
      </button>
    </Panel>
  );
}
