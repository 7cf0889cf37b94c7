/** 24 hours as bars of what ended in them; one of them at a time is told in figures. */

import { type PointerEvent, useState } from "react";
import { moment } from "../time";
import { at, ENDED, endedIn, type Hour, inWords, most, spanOf, total } from "./hours";

/** Hours between two words below the bars. */
const WORD_EVERY = 3;

export function Strip({ hours }: { hours: Hour[] }) {
  const [chosen, choose] = useState<number | null>(null);
  const hour = chosen === null ? undefined : hours[chosen];
  const last = hours.length - 1;
  const told = hour ?? total(hours);
  const point = (event: PointerEvent<HTMLInputElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const place = Math.floor(((event.clientX - left) / width) * hours.length);
    choose(Math.max(0, Math.min(last, place)));
  };
  return (
    <section className="now-card strip" aria-labelledby="strip-title">
      <header>
        <h2 id="strip-title">Ended in 24 hours</h2>
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
      <div className="bars">
        <span className="now-most" aria-hidden="true">
          {most(hours).toLocaleString("en-GB")}
        </span>
        {hours.map((one, index) => (
          <Bar key={one.from} hour={one} most={most(hours)} isChosen={index === chosen} />
        ))}
        <input
          type="range"
          className="chooser"
          min={0}
          max={last}
          value={chosen ?? last}
          aria-label="Hour that is told"
          aria-valuetext={hour ? `${spanOf(hour, chosen === last)}: ${inWords(hour)}` : "all hours"}
          onChange={(event) => choose(Number(event.target.value))}
          onFocus={(event) => event.target.matches(":focus-visible") && choose(chosen ?? last)}
          onBlur={() => choose(null)}
          onPointerMove={point}
          onPointerLeave={() => choose(null)}
        />
      </div>
      <div className="hour-words" aria-hidden="true">
        {hours.map(({ from }, index) => (
          <span key={from}>{(last - index) % WORD_EVERY === 0 ? at(moment(from)) : ""}</span>
        ))}
      </div>
    </section>
  );
}

function Bar({ hour, most: whole, isChosen }: { hour: Hour; most: number; isChosen: boolean }) {
  const share = (100 * endedIn(hour)) / whole;
  return (
    <div className="now-hour" data-chosen={isChosen || undefined} aria-hidden="true">
      <div className="stack" style={{ height: `${share}%` }}>
        {ENDED.map(
          (ended) =>
            hour[ended] > 0 && (
              <i key={ended} className={`ended-${ended}`} style={{ flexGrow: hour[ended] }} />
            ),
        )}
      </div>
    </div>
  );
}
