/** Somebody else, or another tab, was there meanwhile: both side by side, and nothing is lost. */

import { type ReactNode, useMemo } from "react";
import { serverNow } from "../api/clock";
import type { Json, Members } from "../api/json";
import { print } from "../api/json";
import { Preformatted } from "../parts/Preformatted";
import { Time } from "../parts/Time";
import { useEditor } from "./context";
import { keyOf, versionOf } from "./editing";
import { differences, taken } from "./model/differences";
import type { Published, StoredDraft } from "./server";
import type { Publishing } from "./usePublish";

/** Another revision. Until one has chosen, one's own stays a draft over the older one. */
export function Conflict({
  theirs,
  publishing,
}: {
  id: string;
  theirs: Published;
  publishing: Publishing;
}) {
  const { editing } = useEditor();
  const build = () => editing.set({ published: theirs, basedOn: theirs.lockVersion, theirs: null });
  const take = () => {
    editing.change(theirs.document);
    build();
  };
  return (
    <Beside other={theirs.document} word={`Revision ${theirs.revision}`}>
      <p>
        <b>
          Revision {theirs.revision} was published {theirs.by && `by ${theirs.by} `}
          {theirs.at && <Time at={theirs.at} now={serverNow()} />}
        </b>{" "}
        while you were editing. Yours is kept as it is.
      </p>
      <button type="button" onClick={take}>
        Take all of theirs
      </button>
      <button type="button" onClick={build}>
        Go on with mine
      </button>
      <button
        type="button"
        className="main"
        disabled={publishing.isBusy}
        onClick={() => void publishing.publish(theirs)}
      >
        Publish mine over it
      </button>
    </Beside>
  );
}

/** One's own draft was edited in another tab. */
export function DraftConflict({ elsewhere }: { elsewhere: StoredDraft }) {
  const { editing, state } = useEditor();
  const version = versionOf(elsewhere.document, state.published.document);
  const keepMine = () =>
    editing.set({ elsewhere: null, draftTag: elsewhere.etag, draft: null, saving: "idle" });
  const take = () => {
    editing.change((version ?? state.history.present).document);
    keepMine();
    if (version) editing.set({ draft: { key: keyOf(version), at: serverNow() } });
  };
  return (
    <Beside other={version?.document ?? state.published.document} word="The other draft">
      <p>
        <b>This draft was changed in another tab</b>
        {elsewhere.saved_at && (
          <>
            {" "}
            (<Time at={elsewhere.saved_at} now={serverNow()} />)
          </>
        )}
        . What you have here is kept in this tab until you choose.
      </p>
      <button type="button" onClick={take}>
        Take the other
      </button>
      <button type="button" className="main" onClick={keepMine}>
        Keep this one
      </button>
    </Beside>
  );
}

/** In what both differ, part by part; each can be taken by itself, and taken back. */
function Beside({
  other,
  word,
  children,
}: {
  other: Members;
  word: string;
  children: [ReactNode, ...ReactNode[]];
}) {
  const { editing } = useEditor();
  const mine = editing.document;
  const found = useMemo(() => differences(other, mine), [other, mine]);
  const [told, ...buttons] = children;
  return (
    <section className="theirs" aria-label={word} role="status">
      <div className="theirs-head">
        {told}
        <div className="answers">{buttons}</div>
      </div>
      {found.length === 0 ? (
        <p>Both say the same.</p>
      ) : (
        <details open={found.length < 4}>
          <summary>{found.length === 1 ? "One difference" : `${found.length} differences`}</summary>
          <ul>
            {found.map((one) => (
              <li key={one.place}>
                <code>{one.place}</code>
                <button
                  type="button"
                  onClick={() => editing.change(taken(editing.document, other, one.place))}
                >
                  Take theirs<span className="unseen"> of {one.place}</span>
                </button>
                <Side word={word} value={one.theirs} />
                <Side word="Mine" value={one.mine} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Side({ word, value }: { word: string; value: Json | undefined }) {
  return (
    <figure>
      <figcaption>{word}</figcaption>
      <Preformatted>{value === undefined ? "not there" : print(value)}</Preformatted>
    </figure>
  );
}
