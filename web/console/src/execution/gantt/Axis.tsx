import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { go, withQuery } from "../../router";
import { clock, duration, exact, tickStep } from "../../time";
import { useHoveredMoment } from "../hover";
import { moved, type Span, scaled, shareOf, written } from "./span";

const TICKS = 6;
/** Pixels: a shorter pull is a click. */
const PULL = 6;

interface Props {
  span: Span;
  whole: Span;
  lane: React.RefObject<HTMLDivElement | null>;
}

export const zoomTo = (span: Span, whole: Span): void =>
  go(withQuery({ zoom: written(span, whole) }), { replace: true });

/** The clock of all rows. A stretch that is pulled over is zoomed to; arrows move it. */
export function Axis({ span, whole, lane }: Props) {
  const [pulled, setPulled] = useState<Span | null>(null);
  const begun = useRef(0);
  const momentAt = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return span.from + share * (span.to - span.from);
  };
  const down = (event: PointerEvent) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    begun.current = event.clientX;
    setPulled({ from: momentAt(event), to: momentAt(event) });
  };
  const pull = (event: PointerEvent) => pulled && setPulled({ ...pulled, to: momentAt(event) });
  const up = (event: PointerEvent) => {
    if (pulled && Math.abs(event.clientX - begun.current) > PULL) zoomTo(pulled, whole);
    setPulled(null);
  };
  const press = (event: KeyboardEvent) => {
    const next = KEYS[event.key]?.(span);
    if (!next) return;
    event.preventDefault();
    zoomTo(next, whole);
  };
  return (
    <div
      className="lane gantt-scale"
      ref={lane}
      role="slider"
      tabIndex={0}
      aria-label="Time shown: pull to zoom; plus, minus and arrows"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(shareOf(span.from, whole))}
      aria-valuetext={`${clock(span.from)} to ${clock(span.to)}`}
      onPointerDown={down}
      onPointerMove={pull}
      onPointerUp={up}
      onKeyDown={press}
    >
      <Ticks span={span} begin={whole.from} />
      {pulled && <Pulled from={shareOf(pulled.from, span)} to={shareOf(pulled.to, span)} />}
      <Cursor span={span} />
    </div>
  );
}

const KEYS: Record<string, (span: Span) => Span> = {
  "+": (span) => scaled(span, 2),
  "=": (span) => scaled(span, 2),
  "-": (span) => scaled(span, 0.5),
  ArrowLeft: (span) => moved(span, -0.25),
  ArrowRight: (span) => moved(span, 0.25),
};

function Pulled({ from, to }: { from: number; to: number }) {
  const style = { left: `${Math.min(from, to)}%`, width: `${Math.abs(to - from)}%` };
  return <div className="pulled" style={style} />;
}

function Ticks({ span, begin }: { span: Span; begin: number }) {
  const step = tickStep(span.to - span.from, TICKS);
  const first = Math.ceil((span.from - begin) / step) * step;
  const count = Math.max(1, Math.floor((span.to - begin - first) / step) + 1);
  return Array.from({ length: count }, (_, at) => first + at * step).map((offset) => (
    <span
      key={offset}
      className="tick"
      style={{ left: `${shareOf(begin + offset, span)}%` }}
      title={exact(begin + offset)}
    >
      {offset === 0 ? clock(begin) : `+${duration(offset)}`}
    </span>
  ));
}

function Cursor({ span }: { span: Span }) {
  const at = useHoveredMoment();
  if (at === null || at < span.from || at > span.to) return null;
  return (
    <div className="cursor" style={{ left: `${shareOf(at, span)}%` }}>
      <span>{clock(at, span.to - span.from < 600_000 ? 1 : 0)}</span>
    </div>
  );
}
