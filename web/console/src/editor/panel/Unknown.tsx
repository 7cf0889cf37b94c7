/** Keys that the editor has no field for: they are kept, and named here. */

import { type Members, print } from "../../api/json";
import { type Path, pointerTo } from "../../api/pointer";

export function Unknown({
  object,
  known,
  path,
}: {
  object: Members;
  known: ReadonlySet<string>;
  path: Path;
}) {
  const keys = Object.keys(object).filter((key) => !known.has(key));
  if (keys.length === 0) return null;
  return (
    <section className="part unknown">
      <h3>Also in the document</h3>
      <p className="muted">The engine does not read these; they stay as they are.</p>
      <dl>
        {keys.map((key) => (
          <div key={`${pointerTo(path)}/${key}`}>
            <dt>
              <code>{key}</code>
            </dt>
            <dd>
              <code>{print(object[key])}</code>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
