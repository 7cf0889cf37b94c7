/** The focus on the canvas. */

/** Pictures that are waited for: a definition is drawn behind what one types. */
const PATIENCE = 60;

/** Whether the step is there, and has the focus now. */
export function focusStep(key: string): boolean {
  const node = document.querySelector<HTMLElement>(
    `.react-flow__node[data-id="${CSS.escape(key)}"]`,
  );
  node?.focus();
  return node !== null && node === document.activeElement;
}

/** The focus goes to a step that is about to be drawn, unless it has gone elsewhere meanwhile. */
export function focusSoon(key: string): void {
  const before = document.activeElement;
  const look = (left: number) => {
    const isStill = document.activeElement === before || document.activeElement === document.body;
    if (left === 0 || !isStill || focusStep(key)) return;
    requestAnimationFrame(() => look(left - 1));
  };
  look(PATIENCE);
}

export const focusCanvas = (): void =>
  document.querySelector<HTMLElement>("[data-canvas]")?.focus();
