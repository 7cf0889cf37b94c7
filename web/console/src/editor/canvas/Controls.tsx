import { Panel, useReactFlow } from "@xyflow/react";
import { useEffect } from "react";
import { FIT } from "./places";

export function Controls() {
  const { fitView, zoomIn, zoomOut } = useReactFlow();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.closest("input, textarea, select, dialog, [contenteditable], [data-code]")) return;
      if (event.key === "f" && !event.ctrlKey && !event.metaKey && !event.altKey) void fitView(FIT);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [fitView]);
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
