/** Which action a step runs, and in which version. */

import { useId } from "react";
import { put } from "../../definition/document";
import { useEditor } from "../context";
import { actionOf, type Placed } from "../model/steps";

export function ActionChoice({ placed }: { placed: Placed }) {
  const { editing, palette } = useEditor();
  const field = useId();
  const { type, version } = actionOf(placed.step);
  const action = palette?.byType.get(type);
  const set = (next: string) =>
    editing.change(put(editing.document, [...placed.path, "action"], next), `${placed.key}/action`);
  const versions = versionsOf(action?.versions ?? [], version);
  return (
    <>
      <div className="two">
        <div className="param-field" data-param="action">
          <div className="param-head">
            <label htmlFor={field}>Action</label>
          </div>
          <select id={field} value={type} onChange={(event) => set(event.target.value)}>
            {!action && <option value={type}>{type || "choose one"}</option>}
            {action && action.type !== type && <option value={type}>{type}</option>}
            {palette?.categories.map(({ name, actions }) => (
              <optgroup key={name} label={name}>
                {actions.map((one) => (
                  <option key={one.type} value={one.type}>
                    {one.name}
                  </option>
                ))}
              </optgroup>
            ))}
          </select>
        </div>
        <div className="param-field">
          <div className="param-head">
            <label htmlFor={`${field}-v`}>Version</label>
          </div>
          <select
            id={`${field}-v`}
            value={version ?? ""}
            onChange={(event) => set(event.target.value ? `${type}@${event.target.value}` : type)}
          >
            <option value="">newest</option>
            {versions.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </div>
      </div>
      {palette && !action && type && (
        <p className="failure">No action “{type}” is installed. Its params are kept.</p>
      )}
      {action?.deprecated && (
        <p className="warn">
          {action.deprecationMessage ?? "New definitions should not use this action."}{" "}
          {action.replacedBy && (
            <>
              Use <code>{action.replacedBy}</code>.
            </>
          )}
        </p>
      )}
      {action && (
        <p className="about muted">
          {action.description}{" "}
          {action.docsUrl?.match(/^https?:/) && (
            <a href={action.docsUrl} target="_blank" rel="noreferrer">
              More about it
            </a>
          )}
        </p>
      )}
    </>
  );
}

/** As exact as one may be: `2` is the newest 2.x. */
function versionsOf(installed: readonly string[], written: string | null): string[] {
  const majors = installed.map((version) => version.split(".")[0] ?? version);
  return [...new Set([...majors, ...installed, ...(written ? [written] : [])])];
}
