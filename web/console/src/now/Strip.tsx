/** 24 hours as bars of what ended in them; each leads to its executions, and is told in figures. */

import { type KeyboardEvent, useRef, useState } from "react";
import { Link } from "../router";
import { moment } from "../time";
import { at, ENDED, endedIn, type Hour, inWords, listOf, most, spanOf, total } from "./hours";

/** Hours between two words below the bars. */
const WORD_EVERY = 3;
const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, Home: -24, End: 24 };

export function Strip({ hours }: { hours: Hour[] }) {
  const [chosen, choose] = useState<number | null>(null);
  const bars = useRef<HTMLDivElement>(null);
  const hour = chosen === null ? undefined : hours[chosen];
  const last = hours.length - 1;
  const told = hour ?? total(hours);
  /** One of the bars is a stop of Tab, the arrows go on from there. */
  const step = (event: KeyboardEvent) => {
    const by = STEPS[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(last, (chosen ?? last) + by));
    bars.current?.querySelectorAll("a")[next]?.focus();
  };
  return (
    <section className="now-card strip" aria-labelledby="strip-title">
      <header>
        <h2 id="strip-title">Ended in the last 24 hours</h2>
        <p className="strip-told">
          <span className="strip-span">{hour ? spanOf(hour, chosen === last) : "in all"}</span>
          {ENDED.toReversed().map((ended) => (
            <span key={ended}>
              <i className={`swatch ended-${ended}`} /> <b>{told[ended].toLocaleString("en-GB")}</b>{" "}
              {ended}
            </span>
          ))}
          <span className="muted">{told.started.toLocaleString("en-GB")} started</span>
        </p>
      </header>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: its links have the focus */}
      <div className="bars" ref={bars} onKeyDown={step} onPointerLeave={() => choose(null)}>
        <span className="now-most" aria-hidden="true">
          {most(hours).toLocaleString("en-GB")}
        </span>
        {hours.map((one, index) => (
          <Link
            key={one.from}
            className="now-hour"
            href={listOf(one)}
            tabIndex={index === (chosen ?? last) ? 0 : -1}
            data-chosen={index === chosen || undefined}
            aria-label={`${spanOf(one, index === last)}: ${inWords(one)}`}
            onPointerEnter={() => choose(index)}
            onFocus={() => choose(index)}
            onBlur={() => choose(null)}
          >
            <Bar hour={one} most={most(hours)} />
          </Link>
        ))}
      </div>
      <div className="hour-words" aria-hidden="true">
        {hours.map(({ from }, index) => (
          <span key={from}>{(last - index) % WORD_EVERY === 0 ? at(moment(from)) : ""}</span>
        ))}
      </div>
    </section>
  );
}

function Bar({ hour, most: whole }: { hour: Hour; most: number }) {
  const share = (100 * endedIn(hour)) / whole;
  return (
    <div className="stack" style={{ height: `${share}%` }}>
      {ENDED.map(
        (ended) =>
          hour[ended] > 0 && (
            <i key={ended} className={`ended-${ended}`} style={{ flexGrow: hour[ended] }} />
          ),
      )}
    </div>
  );
}
