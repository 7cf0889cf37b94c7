/** The steps of the definition, and which waits for which. It stands still: nothing runs here. */

import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { print } from "../api/json";
import type { Statistics } from "../api/types";
import { type Direction, edges, type Node, type Place, type Size } from "../graph/nodes";
import { useArrangement } from "../graph/useArrangement";
import { Preformatted } from "../parts/Preformatted";
import { go, useQueryString, withQuery } from "../router";
import type { PlanStep } from "./steps";
import { took } from "./took";

interface Props {
  steps: readonly PlanStep[];
  statistics: Statistics | undefined;
}

/** Below this, text cannot be read: one scrolls instead. */
const SMALLEST = 0.62;
const MARGIN = 16;

export function Plan({ steps, statistics }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState<number | null>(null);
  useLayoutEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => {
      // A step of 20 keeps a scroll bar that comes and goes from laying everything out anew.
      if (entry) setWidth(Math.floor(entry.contentRect.width / 20) * 20);
    });
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  const chosen = useQueryString().get("step");
  const step = steps.find(({ id }) => id === chosen);
  return (
    <section className={step ? "plan with-step" : "plan"} aria-label="Steps">
      <div className="plan-frame" ref={frame}>
        {width !== null && <Drawing steps={steps} width={width} chosen={chosen} />}
      </div>
      {step && <Chosen step={step} statistics={statistics} />}
    </section>
  );
}

interface DrawingProps {
  steps: readonly PlanStep[];
  width: number;
  chosen: string | null;
}

function Drawing({ steps, width, chosen }: DrawingProps) {
  const nodes = useMemo(
    () => steps.map(({ id, after }): Node => ({ id, after, hasBar: false })),
    [steps],
  );
  const canvas = useMemo((): Size => ({ width: width - 2 * MARGIN, height: 420 }), [width]);
  const arrangement = useArrangement(nodes, canvas);
  if (!arrangement) return <p className="muted">Placing {steps.length} steps…</p>;
  const { places, size, direction } = arrangement;
  const scale = Math.max(SMALLEST, Math.min(1, canvas.width / size.width));
  return (
    <div
      className="drawing-room"
      style={{ width: size.width * scale + 2 * MARGIN, height: size.height * scale + 2 * MARGIN }}
    >
      <div
        className="drawing"
        style={{
          width: size.width,
          height: size.height,
          transform: `translate(${MARGIN}px, ${MARGIN}px) scale(${scale})`,
        }}
      >
        <svg width={size.width} height={size.height} aria-hidden="true">
          {edges(nodes).map(([from, to]) => (
            <path key={`${from} ${to}`} d={curve(places.get(from), places.get(to), direction)} />
          ))}
        </svg>
        <ol>
          {steps.map((step) => (
            <li key={step.id} style={boxOf(places.get(step.id))}>
              <Card step={step} chosen={step.id === chosen} />
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

const boxOf = (place: Place | undefined) =>
  place && { left: place.x, top: place.y, width: place.width, height: place.height };

function Card({ step, chosen }: { step: PlanStep; chosen: boolean }) {
  return (
    <button
      type="button"
      className="plan-card"
      aria-pressed={chosen}
      onClick={() => go(withQuery({ step: chosen ? null : step.id }), { replace: true })}
    >
      <span className="name" title={step.name}>
        {step.name}
      </span>
      <span className="sub">
        <code>{step.does}</code>
        {step.marks.map((mark) => (
          <span key={mark} className="plan-mark">
            {mark}
          </span>
        ))}
        {step.after.length > 0 && <span className="unseen"> after {step.after.join(", ")}</span>}
      </span>
    </button>
  );
}

/** From the end of one to the beginning of the other. */
function curve(from: Place | undefined, to: Place | undefined, direction: Direction): string {
  if (!from || !to) return "";
  if (direction === "LR") {
    const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
    const [x2, y2] = [to.x, to.y + to.height / 2];
    const half = (x1 + x2) / 2;
    return `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}`;
  }
  const [x1, y1] = [from.x + from.width / 2, from.y + from.height];
  const [x2, y2] = [to.x + to.width / 2, to.y];
  const half = (y1 + y2) / 2;
  return `M${x1} ${y1}C${x1} ${half} ${x2} ${half} ${x2} ${y2}`;
}

/** The chosen step as it was written, and how it went. */
function Chosen({ step, statistics }: { step: PlanStep; statistics: Statistics | undefined }) {
  const known = statistics?.steps.find(({ step_id }) => step_id === step.id);
  return (
    <aside className="chosen-step" aria-label={step.name}>
      <header>
        <h2>{step.name}</h2>
        <button
          type="button"
          className="plain"
          onClick={() => go(withQuery({ step: null }), { replace: true })}
        >
          Close
        </button>
      </header>
      {known && (
        <p className="muted">
          {known.runs} runs, {known.failed} failed; half within {took(known.p50_seconds)}, 95 %
          within {took(known.p95_seconds)}
        </p>
      )}
      <Preformatted>{print(step.written)}</Preformatted>
    </aside>
  );
}
