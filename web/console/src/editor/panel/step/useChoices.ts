import type { Option, Param } from "../../../forms/param";
import { useEditor } from "../../context";
import { nameOf, type Placed, stepsOf } from "../../model/steps";

/** Steps for targets, and actions for what runs an action itself. */
export function useChoices(placed: Placed): (param: Param) => readonly Option[] | null {
  const { editing, palette } = useEditor();
  return (param) => {
    if (param.type === "branches") {
      return stepsOf(editing.document, placed.list)
        .filter(({ id }) => id !== placed.id)
        .map(({ id, step }) => ({ value: id, label: nameOf(step) }));
    }
    if (param.name !== "action") return null;
    return [...(palette?.byType.values() ?? [])].map(({ type, name }) => ({
      value: type,
      label: name,
    }));
  };
}
