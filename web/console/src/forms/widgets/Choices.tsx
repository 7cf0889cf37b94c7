import { hasDefault, type Option, type Param, same } from "../param";
import { inline } from "../words";
import { groupMarks, type WidgetProps } from "./props";

const UNSET = "unset";
const OTHER = "other";

/** One of some values, of whatever type; one that is not among them is shown, too. */
export function Select({ param, value, change, marks }: WidgetProps) {
  const options = param.options ?? [];
  const at = options.findIndex((option) => same(option.value, value));
  const key = at >= 0 ? String(at) : value === undefined ? UNSET : OTHER;
  return (
    <select
      {...marks}
      value={key}
      onChange={({ target }) =>
        change(target.value === UNSET ? undefined : options[Number(target.value)]?.value)
      }
    >
      <option value={UNSET}>{unsetWords(param)}</option>
      {key === OTHER && (
        <option value={OTHER} disabled>
          {inline(value)}, which is none of the choices
        </option>
      )}
      {options.map((option, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the place is what is chosen
        <option key={place} value={place}>
          {option.label}
        </option>
      ))}
    </select>
  );
}

function unsetWords(param: Param): string {
  if (hasDefault(param)) return `${labelOf(param.default, param.options ?? [])} (default)`;
  return param.required ? "Choose…" : "not set";
}

const labelOf = (value: unknown, options: readonly Option[]): string =>
  options.find((option) => same(option.value, value))?.label ?? inline(value);

/** Any of some values. Those that are none of the choices stay until they are taken away. */
export function MultiSelect({ param, value, change, marks }: WidgetProps) {
  const options = param.options ?? [];
  const chosen: unknown[] = Array.isArray(value) ? value : [];
  const others = chosen.filter((one) => !options.some((option) => same(option.value, one)));
  const toggle = (one: unknown, on: boolean) =>
    change(on ? [...chosen, one] : chosen.filter((other) => !same(other, one)));
  const all = [
    ...options,
    ...others.map((one) => ({ value: one, label: `${inline(one)}, which is none of the choices` })),
  ];
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame of its own
    <div className="param-checks" role="group" {...groupMarks(marks)}>
      {all.map((option, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: options have no other name
        <label key={at}>
          <input
            id={at === 0 ? marks.id : undefined}
            type="checkbox"
            checked={chosen.some((one) => same(one, option.value))}
            onChange={({ target }) => toggle(option.value, target.checked)}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}

/** True, false, or neither as long as nobody has said. */
export function TrueOrFalse({ value, change, marks }: WidgetProps) {
  return (
    <div className="switch true-false" role="radiogroup" {...groupMarks(marks)}>
      {[true, false].map((one) => (
        <label key={String(one)}>
          <input
            id={one ? marks.id : undefined}
            type="radio"
            name={marks.id}
            checked={value === one}
            onChange={() => change(one)}
          />
          <span>{String(one)}</span>
        </label>
      ))}
    </div>
  );
}
