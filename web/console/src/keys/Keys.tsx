/** What the keys of all pages open: the palette, and the list of keys. */

import { Suspense, useState, useSyncExternalStore } from "react";
import { createPortal } from "react-dom";
import { Boundary } from "../parts/Boundary";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { part } from "../parts/part";
import { go } from "../router";
import { GOALS } from "./goals";
import { current, type Key, subscribe, written } from "./keys";
import { useKeyboard, useKeys } from "./useKeys";
import "./keys.css";

const Palette = part(() => import("../palette/CommandPalette"));

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const EVERYWHERE = "Everywhere";

export function Keys() {
  const [open, setOpen] = useState<"palette" | "list" | null>(null);
  const close = () => setOpen(null);
  useKeyboard();
  useKeys([
    {
      keys: "mod+k",
      word: "Go to a page, a pipeline, an execution or an action",
      where: EVERYWHERE,
      act: () => setOpen("palette"),
    },
    { keys: "/", word: "Search on this page", where: EVERYWHERE, act: search },
    { keys: "?", word: "Show the keys", where: EVERYWHERE, act: () => setOpen("list") },
    ...GOALS.map(({ keys, word, path }) => ({ keys, word, where: "Go to", act: () => go(path) })),
  ]);
  return (
    <>
      <div className="key-buttons">
        <button type="button" className="find-button" onClick={() => setOpen("palette")}>
          Go to… <Written keys="mod+k" />
        </button>
        <button
          type="button"
          aria-label="Show the keys"
          title="Show the keys"
          onClick={() => setOpen("list")}
        >
          ?
        </button>
      </div>
      {/* Not where the buttons are: that part is hidden where there is little room. */}
      {createPortal(
        <>
          {open === "palette" && (
            <Boundary
              frame={(words) => (
                <Dialog title="Go to" close={close} submit={close}>
                  {words}
                </Dialog>
              )}
            >
              <Suspense>
                <Palette close={close} />
              </Suspense>
            </Boundary>
          )}
          {open === "list" && <KeyList close={close} />}
        </>,
        document.body,
      )}
    </>
  );
}

function search(): void {
  for (const field of document.querySelectorAll<HTMLInputElement>("[data-search]")) {
    if (!field.checkVisibility()) continue;
    field.focus();
    field.select();
    return;
  }
}

function KeyList({ close }: { close: () => void }) {
  const keys = useSyncExternalStore(subscribe, current);
  const places = [...new Set(keys.map(({ where }) => where))];
  return (
    <Dialog title="Keys" close={close} submit={close} wide>
      <div className="key-list">
        {places.map((place) => (
          <Place key={place} name={place} keys={keys.filter(({ where }) => where === place)} />
        ))}
      </div>
      <p>While you type, and while a question is open, keys are text.</p>
      <DialogButtons>
        <button type="submit">Close</button>
      </DialogButtons>
    </Dialog>
  );
}

function Place({ name, keys }: { name: string; keys: readonly Key[] }) {
  return (
    <section aria-label={name}>
      <h3>{name}</h3>
      <dl>
        {keys.map((key) => (
          <div key={key.keys}>
            <dt>
              <Written keys={key.keys} />
            </dt>
            <dd>{key.word}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Written({ keys }: { keys: string }) {
  return (
    <span className="written">
      {written(keys, IS_MAC).map((key, index) => (
        <kbd key={`${key} ${String(index)}`}>{key}</kbd>
      ))}
    </span>
  );
}
