/** Acts that need no button of their own; the browser's popover closes it, and gives the focus back. */

import { type ReactNode, useId, useRef, useState } from "react";
import { Link } from "../router";

export interface Choice {
  word: ReactNode;
  /** What it does, or where it leads. */
  act?: () => void;
  href?: string;
  danger?: boolean;
}

const WIDTH = 190;

export function Menu({ label, choices }: { label: string; choices: Choice[] }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ top: number; left: number } | null>(null);
  const open = () => {
    const { right, bottom, top } = button.current?.getBoundingClientRect() ?? new DOMRect();
    const height = choices.length * 32 + 12;
    const below = bottom + height < innerHeight;
    setPlace({ top: below ? bottom + 4 : top - height - 4, left: Math.max(8, right - WIDTH) });
  };
  const close = () => menu.current?.hidePopover();
  return (
    <>
      <button
        type="button"
        className="menu-button"
        ref={button}
        popoverTarget={id}
        onClick={open}
        aria-label={label}
        title={label}
      >
        <span aria-hidden="true">⋯</span>
      </button>
      <div
        id={id}
        ref={menu}
        popover="auto"
        className="menu-list"
        style={{ ...place, width: WIDTH }}
        onToggle={({ newState }) => newState === "closed" && setPlace(null)}
      >
        {(place ? choices : []).map(({ word, act, href, danger }, at) =>
          href ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: choices have no other name
            <Link key={at} href={href}>
              {word}
            </Link>
          ) : (
            <button
              // biome-ignore lint/suspicious/noArrayIndexKey: choices have no other name
              key={at}
              type="button"
              className={danger ? "danger" : undefined}
              onClick={() => {
                close();
                act?.();
              }}
            >
              {word}
            </button>
          ),
        )}
      </div>
    </>
  );
}
