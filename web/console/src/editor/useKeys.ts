/** Keys that count everywhere in the editor. */

import { useEffect } from "react";
import { useKeys } from "../keys/useKeys";
import type { Editing } from "./editing";

export function useEditorKeys(editing: Editing, layOut: () => void): void {
  useKeys([
    { keys: "l", word: "Put the steps in order", where: "Canvas", act: layOut },
    { keys: "↓ ↑", word: "Through the actions, from their search", where: "Editor", act: null },
    { keys: "mod+z", word: "Undo, also what was typed", where: "Editor", act: null },
    { keys: "mod+y", word: "Redo", where: "Editor", act: null },
  ]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.closest("[data-own-undo], dialog")) return;
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      if (key === "z" || key === "y") {
        // Fields are part of the same stack: the browser's own undo would know only one of them.
        event.preventDefault();
        if (key === "y" || event.shiftKey) editing.redo();
        else editing.undo();
      } else if (key === "s") {
        event.preventDefault();
      }
    };
    addEventListener("keydown", press, { capture: true });
    return () => removeEventListener("keydown", press, { capture: true });
  }, [editing]);
}
