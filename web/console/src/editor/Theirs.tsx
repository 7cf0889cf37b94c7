/** Somebody else has published meanwhile: both versions side by side, and nothing is lost. */

import { print } from "../api/json";
import { useBench } from "./bench";
import type { Published } from "./editing";
import { differences } from "./model/differences";
import type { Publishing } from "./usePublish";

export function Theirs({
  theirs,
  publishing,
}: {
  id: string;
  theirs: Published;
  publishing: Publishing;
}) {
  const { editing } = useBench();
  const found = differences(theirs.document, editing.document);
  const take = () => {
    editing.change(theirs.document);
    editing.set({ published: theirs, theirs: null });
  };
  return (
    <section className="theirs" aria-label="Another version" role="status">
      <p>
        <b>Revision {theirs.revision} was published meanwhile.</b> Yours is kept as it is.{" "}
        {found.length === 0 ? "Both say the same." : `They differ in ${found.length} places.`}
      </p>
      <ul>
        {found.map(({ place, theirs: one, mine }) => (
          <li key={place}>
            <code>{place}</code>
            <pre className="value">{one === undefined ? "not there" : print(one)}</pre>
            <pre className="value">{mine === undefined ? "not there" : print(mine)}</pre>
          </li>
        ))}
      </ul>
      <div className="answers">
        <button type="button" onClick={take}>
          Take theirs
        </button>
        <button type="button" className="main" onClick={() => void publishing.publish(theirs)}>
          Publish mine over it
        </button>
      </div>
    </section>
  );
}
