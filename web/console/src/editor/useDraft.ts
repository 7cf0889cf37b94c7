/** Warns before something would be lost that the server has not. */

import { useEffect } from "react";
import { type Editing, isSaved } from "./editing";

export function useWarning(editing: Editing): void {
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (!isSaved(editing.now())) event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [editing]);
}
