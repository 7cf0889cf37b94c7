/** When each step ran, waited and failed: one row per step, one segment per attempt and per wait. */

import { type MouseEvent, memo, useMemo, useRef } from "react";
import type { Event, Step } from "../api/types";
import { isOpen, stateOfStep } from "../states";
import { clock, duration, exact, moment, tickStep } from "../time";
import { itemName } from "./items";
import { point, pointing, usePointed, usePointedMoment } from "./pointer";
import { type Segment, type Track, tracks } from "./segments";

/** So many items have rows of their own without being asked for. */
const FEW = 8;
const TICKS = 6;

export interface Span {
  from: number;
  to: number;
}

interface Props {
  steps: Step[];
  items: Map<string, Step[]>;
  events: Event[];
  span: Span;
  now: number;
  selected: string | null;
  select: (id: string) => void;
}

export function Gantt({ steps, items, events, span, now, selected, select }: Props) {
  const told = useMemo(() => tracks(events), [events]);
  const lanes = useRef<HTMLDivElement>(null);
  const follow = (event: MouseEvent) => {
    const box = lanes.current?.getBoundingClientRect();
    if (!box || box.width === 0) return;
    const share = (event.clientX - box.left) / box.width;
    point({ at: share < 0 || share > 1 ? null : span.from + share * (span.to - span.from) });
  };
  return (
    <section
      className="gantt"
      aria-label="Gantt"
      onMouseMove={follow}
      onMouseLeave={() => point({ at: null })}
    >
      <div className="axis">
        <h2>Gantt</h2>
        <div className="lane" ref={lanes}>
          <Ticks span={span} />
          <Cursor span={span} />
        </div>
      </div>
      <div className="rows">
        {steps.map((step) => (
          <div key={step.id}>
            <Row
              step={step}
              name={step.step_name || step.step_id}
              top={step.id}
              {...{ span, now, select }}
              track={told.get(step.id)}
              selected={selected === step.id}
            />
            {shownItems(step, items.get(step.id), selected).map((item) => (
              <Row
                key={item.id}
                step={item}
                name={itemName(item)}
                top={step.id}
                inner
                {...{ span, now, select }}
                track={told.get(item.id)}
                selected={false}
              />
            ))}
          </div>
        ))}
      </div>
    </section>
  );
}

function shownItems(step: Step, items: Step[] | undefined, selected: string | null): Step[] {
  if (!items) return [];
  return items.length <= FEW || selected === step.id ? items : [];
}

interface RowProps {
  step: Step;
  name: string;
  top: string;
  inner?: boolean;
  track: Track | undefined;
  span: Span;
  now: number;
  selected: boolean;
  select: (id: string) => void;
}

const Row = memo(function Row({
  step,
  name,
  top,
  inner = false,
  track,
  span,
  now,
  selected,
  select,
}: RowProps) {
  const pointed = usePointed(top);
  const state = stateOfStep(step);
  const segments = track && track.segments.length > 0 ? track.segments : whole(step);
  const names = ["row", inner && "inner", selected && "selected", pointed && "pointed"];
  return (
    <div className={names.filter(Boolean).join(" ")} {...pointing(top)}>
      <button
        type="button"
        className="plain"
        onClick={() => select(top)}
        title={`${name}: ${state.word}`}
      >
        {name}
        <span className="unseen">, {state.word}</span>
      </button>
      <div className="lane">
        {segments.map((segment) => (
          <Bar
            key={segment.from + segment.look}
            segment={segment}
            span={span}
            end={segment.to ?? now}
          />
        ))}
        {track?.marks.map((mark) => (
          <i
            key={mark.at + mark.look}
            className={`mark-${mark.look}`}
            style={{ left: `${shareOf(mark.at, span)}%` }}
            title={`${mark.label} · ${clock(mark.at, 3)}`}
          />
        ))}
      </div>
    </div>
  );
});

function Bar({ segment, span, end }: { segment: Segment; span: Span; end: number }) {
  const left = shareOf(segment.from, span);
  return (
    <i
      className={`seg fill-${segment.look}`}
      style={{ left: `${left}%`, width: `${shareOf(end, span) - left}%` }}
      title={`${segment.label} · ${duration(end - segment.from)} · from ${clock(segment.from, 3)}`}
    />
  );
}

/** Without a history: from when the row says it began to when it says it ended. */
function whole(step: Step): Segment[] {
  if (step.start_time === null) return [];
  const { look, word } = stateOfStep(step);
  const to =
    step.end_time === null && isOpen(step.status) ? null : moment(step.end_time ?? step.updated_at);
  return [{ from: moment(step.start_time), to, look, label: word, attempt: step.attempt }];
}

function Ticks({ span }: { span: Span }) {
  const step = tickStep(span.to - span.from, TICKS);
  const count = Math.floor((span.to - span.from) / step) + 1;
  return Array.from({ length: count }, (_, at) => at * step).map((offset) => (
    <span
      key={offset}
      className="tick"
      style={{ left: `${shareOf(span.from + offset, span)}%` }}
      title={exact(span.from + offset)}
    >
      {offset === 0 ? clock(span.from) : `+${duration(offset)}`}
    </span>
  ));
}

function Cursor({ span }: { span: Span }) {
  const at = usePointedMoment();
  if (at === null) return null;
  return (
    <div className="cursor" style={{ left: `${shareOf(at, span)}%` }}>
      <span>{clock(at, span.to - span.from < 600_000 ? 1 : 0)}</span>
    </div>
  );
}

const shareOf = (at: number, { from, to }: Span): number =>
  Math.min(100, Math.max(0, ((at - from) / (to - from)) * 100));
