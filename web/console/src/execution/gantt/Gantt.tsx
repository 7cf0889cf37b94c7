/** When each step ran, waited and failed: one row per step, one segment per attempt and per wait. */

import { type MouseEvent, useMemo, useRef } from "react";
import type { DefinedStep, Step } from "../../api/types";
import { useWindow } from "../../parts/useWindow";
import { go, useQueryString, withQuery } from "../../router";
import { isOpen, stateOfStep } from "../../states";
import { hover } from "../hover";
import { itemName } from "../items";
import { Axis, zoomTo } from "./Axis";
import { Row } from "./Row";
import { readySince, type Tracks } from "./segments";
import { type Span, scaled, zoomed } from "./span";
import "./gantt.css";

/** So many items have rows of their own without being asked for. */
const FEW = 8;
/** Pixels. */
const ROW = 24;
const AXIS = 30;

interface Props {
  steps: Step[];
  defined: DefinedStep[];
  items: Map<string, Step[]>;
  tracks: Tracks;
  whole: Span;
  now: number;
  selected: string | null;
  row: string | null;
}

export function Gantt({ steps, defined, items, tracks, whole, now, selected, row }: Props) {
  const query = useQueryString();
  const span = zoomed(whole, query.get("zoom"));
  const show = query.get("show");
  const attempt = Number(query.get("attempt")) || null;
  const frame = useRef<HTMLElement>(null);
  const lane = useRef<HTMLDivElement>(null);
  const ready = useMemo(
    () => readySince(steps, new Map(defined.map((d) => [d.id, d.depends_on ?? []])), whole.from),
    [steps, defined, whole.from],
  );
  const lines = useMemo(
    () => linesOf(steps, items, selected).filter(({ step }) => wanted(step, show)),
    [steps, items, selected, show],
  );
  const { from, to } = useWindow(frame, lines.length, ROW, AXIS);
  const follow = (event: MouseEvent) => {
    const box = lane.current?.getBoundingClientRect();
    if (!box || box.width === 0) return;
    const share = (event.clientX - box.left) / box.width;
    hover({ at: share < 0 || share > 1 ? null : span.from + share * (span.to - span.from) });
  };
  return (
    <section
      className="gantt"
      aria-label="Gantt"
      ref={frame}
      onMouseMove={follow}
      onMouseLeave={() => hover({ at: null })}
    >
      <div className="axis">
        <div className="axis-head">
          <h2>Gantt</h2>
          <Choice show={show} />
          {span !== whole && (
            <button type="button" className="plain" onClick={() => zoomTo(whole, whole)}>
              Whole
            </button>
          )}
          <button
            type="button"
            className="plain nearer"
            aria-label="Nearer"
            title="Nearer; or pull over the clock"
            onClick={() => zoomTo(scaled(span, 2), whole)}
          >
            +
          </button>
        </div>
        <Axis {...{ span, whole, lane }} />
      </div>
      {lines.length === 0 && <p className="empty">No step is like that at the moment.</p>}
      <div style={{ height: lines.length * ROW }}>
        <div style={{ transform: `translateY(${from * ROW}px)` }}>
          {lines.slice(from, to).map(({ step, name, top, inner }) => (
            <Row
              key={step.id}
              {...{ step, name, top, inner, span, now, select }}
              track={tracks.get(step.id)}
              readyAt={ready.get(step.id) ?? null}
              selected={inner ? row === step.id : selected === step.id}
              attempt={attempt}
            />
          ))}
        </div>
      </div>
    </section>
  );
}

const CHOICES = [
  ["", "all"],
  ["open", "open"],
  ["failed", "failed"],
];

function Choice({ show }: { show: string | null }) {
  return (
    <select
      aria-label="Which steps are shown"
      value={show ?? ""}
      onChange={(event) => go(withQuery({ show: event.target.value || null }), { replace: true })}
    >
      {CHOICES.map(([value, word]) => (
        <option key={value} value={value}>
          {word}
        </option>
      ))}
    </select>
  );
}

function wanted(step: Step, show: string | null): boolean {
  if (show === "open") return isOpen(step.status);
  return show !== "failed" || stateOfStep(step).look === "failed" || (step.items?.failed ?? 0) > 0;
}

/** Choosing a bar shows its attempt; choosing the same row again lets go. */
function select(top: string, row: string | null, attempt: number | null): void {
  const query = new URLSearchParams(location.search);
  const same = query.get("step") === top && query.get("row") === row && attempt === null;
  const tab = attempt === null ? {} : { tab: "attempts" };
  const chosen = attempt === null ? null : String(attempt);
  go(withQuery({ step: same ? null : top, row: same ? null : row, attempt: chosen, ...tab }));
}

interface Line {
  step: Step;
  name: string;
  top: string;
  inner: boolean;
}

function linesOf(steps: Step[], items: Map<string, Step[]>, selected: string | null): Line[] {
  return steps.flatMap((step) => [
    { step, name: step.step_name || step.step_id, top: step.id, inner: false },
    ...shownItems(items.get(step.id), selected === step.id).map((item) => ({
      step: item,
      name: itemName(item),
      top: step.id,
      inner: true,
    })),
  ]);
}

const shownItems = (items: Step[] | undefined, selected: boolean): Step[] =>
  items && (items.length <= FEW || selected) ? items : [];
