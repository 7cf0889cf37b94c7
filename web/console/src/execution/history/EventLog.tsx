/** What has happened, the newest first, on the same clock as the Gantt. */

import { memo, useEffect, useRef } from "react";
import { serverNow } from "../../api/clock";
import type { Event } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { useAnchor, useWindow } from "../../parts/useWindow";
import { clock, day, exact, moment, TODAY } from "../../time";
import { hovering, useHovered } from "../hover";
import { eventLine } from "./events";
import "./history.css";

/** Pixels. */
const ROW = 25;
const HEAD = 34;

export interface Subject {
  name: string;
  /** The row of the definition that it belongs to. */
  top: string | null;
}

interface Props {
  /** In their order. */
  events: Event[];
  hasOlder: boolean;
  older: () => void;
  subject: (event: Event) => Subject;
  select: (id: string) => void;
  /** In place of "nothing has happened". */
  empty?: string;
}

/** The lines alone, in a frame that scrolls; older ones are fetched as one comes near the end. */
export function EventLines({ events, hasOlder, older, subject, select, empty }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const { from, to } = useWindow(frame, events.length, ROW);
  const newest = events.at(-1)?.sequence_number;
  const before = useRef(newest);
  useAnchor(frame, newest, ROW, () => newer(events, before.current));
  useEffect(() => {
    before.current = newest;
  }, [newest]);
  const nearEnd = hasOlder && events.length > 0 && to >= events.length;
  const askOlder = useRef(older);
  askOlder.current = older;
  const oldest = events[0]?.sequence_number;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once more when the older ones are there
  useEffect(() => {
    if (nearEnd && frame.current && frame.current.scrollTop > 0) askOlder.current();
  }, [nearEnd, oldest]);
  const shown = events.slice(Math.max(0, events.length - to), events.length - from).reverse();
  if (events.length === 0) return <p className="empty">{empty ?? "Nothing has happened yet."}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section className="event-lines" ref={frame} tabIndex={0} aria-label="Events, the newest first">
      <div style={{ height: events.length * ROW + (hasOlder ? HEAD : 0) }}>
        <ol style={{ transform: `translateY(${from * ROW}px)` }}>
          {shown.map((event) => {
            const { name, top } = subject(event);
            return <Line key={event.sequence_number} {...{ event, name, top, select }} />;
          })}
          {hasOlder && to >= events.length && (
            <li className="more">
              <button type="button" onClick={older}>
                Show older events
              </button>
            </li>
          )}
        </ol>
      </div>
    </section>
  );
}

function newer(events: Event[], before: number | undefined): number {
  if (before === undefined) return 0;
  const at = events.findLastIndex((event) => event.sequence_number <= before);
  return at < 0 ? 0 : events.length - 1 - at;
}

interface LineProps {
  event: Event;
  name: string;
  top: string | null;
  select: (id: string) => void;
}

const Line = memo(function Line({ event, name, top, select }: LineProps) {
  const { icon, look, text } = eventLine(event, name);
  const at = moment(event.timestamp);
  const pointed = useHovered(top);
  return (
    <li className={pointed ? "pointed" : undefined} {...hovering(top, at)}>
      <time dateTime={event.timestamp} title={exact(at)}>
        {serverNow() - at < TODAY ? clock(at, 1) : day(at, serverNow())}
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
