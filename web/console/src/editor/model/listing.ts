/** All steps in the order of their lines, for whoever does not see where they are drawn. */

import type { Members } from "../../api/json";
import type { Path } from "../../api/pointer";
import { inOrder } from "./graph";
import {
  dependsOn,
  HANDLER_LISTS,
  type HandlerList,
  handlersPath,
  isBlock,
  nameOf,
  type Placed,
  ROOT,
  stepsOf,
} from "./steps";

export interface Listed {
  placed: Placed;
  /** The names of what it waits for; of a handler, what runs before it. */
  after: string[];
  /** The block in which it stands, or the end of the execution that it belongs to. */
  within: { block: string } | { end: HandlerList } | null;
}

/** The steps, those of a block behind it; then the handlers. */
export function listed(document: Members): Listed[] {
  const handlers = HANDLER_LISTS.flatMap((end) => handlersOf(document, end));
  return [...inside(document, ROOT, null), ...handlers];
}

function inside(document: Members, list: Path, within: Listed["within"]): Listed[] {
  const steps = stepsOf(document, list);
  const names = new Map(steps.map(({ id, step }) => [id, nameOf(step)]));
  return inOrder(steps).flatMap((placed) => {
    const after = dependsOn(placed.step).map((id) => names.get(id) ?? id);
    const own = { placed, after, within };
    if (!isBlock(placed.step)) return [own];
    const block = { block: nameOf(placed.step) };
    return [own, ...inside(document, [...placed.path, "steps"], block)];
  });
}

/** They run one after another. */
function handlersOf(document: Members, end: HandlerList): Listed[] {
  const handlers = stepsOf(document, handlersPath(end));
  return handlers.map((placed, index) => {
    const before = handlers[index - 1];
    return { placed, after: before ? [nameOf(before.step)] : [], within: { end } };
  });
}
