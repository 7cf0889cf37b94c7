/** Keys that count everywhere in the editor. */

import { useEffect } from "react";
import type { Editing } from "./editing";

export function useKeys(editing: Editing, layOut: () => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.closest("[data-own-undo], dialog")) return;
      const command = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (command && !event.altKey && (key === "z" || key === "y")) {
        // Fields are part of the same stack: the browser's own undo would know only one of them.
        event.preventDefault();
        if (key === "y" || event.shiftKey) editing.redo();
        else editing.undo();
      } else if (command && key === "s") {
        event.preventDefault();
      } else if (!command && !event.altKey && key === "l" && !isTyped(target)) {
        layOut();
      }
    };
    addEventListener("keydown", press, { capture: true });
    return () => removeEventListener("keydown", press, { capture: true });
  }, [editing, layOut]);
}

const isTyped = (target: HTMLElement): boolean =>
  target.closest("input, textarea, select, dialog, [contenteditable], [data-code]") !== null;
