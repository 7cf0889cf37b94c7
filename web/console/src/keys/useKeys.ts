import { useEffect, useRef } from "react";
import { type Key, register, taken } from "./keys";

/** Keys that count as long as what asks for them is there. Which ones they are does not change. */
export function useKeys(keys: readonly Key[]): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(
    () =>
      register(
        latest.current.map((key, index) => ({
          ...key,
          act: key.act && (() => latest.current[index]?.act?.()),
        })),
      ),
    [],
  );
}

/** Where keys are text, or belong to a question that is open. */
const BUSY = [
  "input:not([type=range], [type=checkbox], [type=radio])",
  "textarea",
  "select",
  "[contenteditable]",
].join(", ");

function isBusy({ target }: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof Element && target.closest(BUSY) !== null;
}

/** The one listener of all of them. */
export function useKeyboard(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.repeat || isBusy(event)) return;
      const key = taken(event, event.timeStamp);
      if (!key) return;
      event.preventDefault();
      key.act?.();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
