/** What has happened, the newest first, on the same clock as the Gantt. */

import { memo, useState } from "react";
import type { Event } from "../api/types";
import { Icon } from "../parts/Icon";
import { clock, exact, moment } from "../time";
import { told } from "./events";
import { pointing, usePointed } from "./pointer";

/** More lines than these are drawn only when they are asked for. */
const DRAWN = 200;

interface Props {
  events: Event[];
  hasOlder: boolean;
  older: () => void;
  /** How a step or item is called, and which row of the definition it belongs to. */
  subject: (event: Event) => { name: string; top: string | null };
  select: (id: string) => void;
  word: string;
}

export function EventLog({ events, hasOlder, older, subject, select, word }: Props) {
  const [drawn, setDrawn] = useState(DRAWN);
  const shown = events.slice(-drawn).reverse();
  const more = events.length > drawn || hasOlder;
  const showMore = () => {
    if (events.length <= drawn) older();
    setDrawn(drawn + DRAWN);
  };
  return (
    <section className="log" aria-label="Events">
      <h2>
        Events <span>{word}</span>
      </h2>
      {events.length === 0 && <p className="empty">Nothing has happened yet.</p>}
      <ol>
        {shown.map((event) => {
          const { name, top } = subject(event);
          return (
            <Line key={event.sequence_number} event={event} name={name} top={top} select={select} />
          );
        })}
        {more && (
          <li>
            <button type="button" onClick={showMore}>
              Show older events
            </button>
          </li>
        )}
      </ol>
    </section>
  );
}

interface LineProps {
  event: Event;
  name: string;
  top: string | null;
  select: (id: string) => void;
}

const Line = memo(function Line({ event, name, top, select }: LineProps) {
  const { icon, look, text } = told(event, name);
  const at = moment(event.timestamp);
  const pointed = usePointed(top);
  return (
    <li className={pointed ? "pointed" : undefined} {...pointing(top, at)}>
      <time dateTime={event.timestamp} title={exact(at)}>
        {clock(at, 1)}
      </time>
      <span className={`tint-${look}`}>
        <Icon name={icon} />
      </span>
      {top ? (
        <button type="button" className="plain" title={text} onClick={() => select(top)}>
          {text}
        </button>
      ) : (
        <span title={text}>{text}</span>
      )}
    </li>
  );
});
