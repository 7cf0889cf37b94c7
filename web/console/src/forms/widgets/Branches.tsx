import { isObject } from "../../api/json";
import { groupMarks, type WidgetProps } from "./props";
import { TextArea } from "./TextArea";

type Branch = Record<string, unknown>;

const COLUMNS = [
  ["id", "Id"],
  ["label", "Label"],
  ["condition", "Condition"],
  ["target_step", "Leads to"],
] as const;

/** Ways to go on, in the order in which they are tried. What else a branch holds is kept. */
export function Branches({ value, change, completions, choices, marks }: WidgetProps) {
  const branches: Branch[] = Array.isArray(value) ? value.filter(isObject) : [];
  const set = (at: number, branch: Branch) =>
    change(branches.map((one, place) => (place === at ? branch : one)));
  const move = (at: number, by: number) => {
    const next = [...branches];
    next.splice(at + by, 0, ...next.splice(at, 1));
    change(next);
  };
  const add = () => change([...branches, { id: freeId(branches), condition: "", target_step: "" }]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame of its own
    <div className="branches" role="group" {...groupMarks(marks)}>
      {branches.map((branch, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a branch is known by its place
        <div className="branch" key={at}>
          {COLUMNS.map(([name, label]) => (
            // biome-ignore lint/a11y/noLabelWithoutControl: the control is BranchText
            <label key={name} className={`branch-${name}`}>
              <span>{label}</span>
              <BranchText
                text={textOf(branch[name])}
                change={(text) => set(at, withText(branch, name, text))}
                completions={name === "condition" || name === "label" ? completions : null}
                list={name === "target_step" && choices ? `${marks.id}-steps` : null}
                id={at === 0 && name === "id" ? marks.id : `${marks.id}-${at}-${name}`}
              />
            </label>
          ))}
          <div className="branch-acts">
            <button type="button" disabled={at === 0} onClick={() => move(at, -1)}>
              <span aria-hidden="true">↑</span>
              <span className="unseen">Branch {at + 1} earlier</span>
            </button>
            <button type="button" disabled={at === branches.length - 1} onClick={() => move(at, 1)}>
              <span aria-hidden="true">↓</span>
              <span className="unseen">Branch {at + 1} later</span>
            </button>
            <button
              type="button"
              onClick={() => change(branches.filter((_, place) => place !== at))}
            >
              <span aria-hidden="true">×</span>
              <span className="unseen">Take branch {at + 1} away</span>
            </button>
          </div>
        </div>
      ))}
      <datalist id={`${marks.id}-steps`}>
        {choices?.map((choice) => (
          <option key={String(choice.value)} value={String(choice.value)}>
            {choice.label}
          </option>
        ))}
      </datalist>
      <button type="button" onClick={add} id={branches.length === 0 ? marks.id : undefined}>
        Add a branch
      </button>
    </div>
  );
}

interface TextProps {
  text: string;
  change: (text: string) => void;
  completions: WidgetProps["completions"];
  list: string | null;
  id: string;
}

function BranchText({ text, change, completions, list, id }: TextProps) {
  if (completions) {
    const marks = {
      id,
      "aria-describedby": "",
      "aria-invalid": undefined,
      "aria-required": undefined,
    };
    return <TextArea text={text} change={change} completions={completions} marks={marks} />;
  }
  return (
    <input
      id={id}
      list={list ?? undefined}
      autoComplete="off"
      spellCheck={false}
      value={text}
      onChange={(event) => change(event.target.value)}
    />
  );
}

const textOf = (value: unknown): string => (value == null ? "" : String(value));

/** An empty label is none; the other texts are needed. */
function withText(branch: Branch, name: string, text: string): Branch {
  if (name === "label" && text === "") {
    const { label: _, ...rest } = branch;
    return rest;
  }
  return { ...branch, [name]: text };
}

function freeId(branches: Branch[]): string {
  const taken = new Set(branches.map(({ id }) => id));
  let number = branches.length + 1;
  while (taken.has(`branch_${number}`)) number++;
  return `branch_${number}`;
}
