import { memo } from "react";
import type { Step } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { stateOfStep } from "../../states";
import { clock, duration } from "../../time";
import { hovering, useHovered } from "../hover";
import { type Mark, type Segment, segmentsOf, type Track } from "./segments";
import { type Span, shareOf } from "./span";

interface Props {
  step: Step;
  name: string;
  /** The row of the definition that it belongs to: itself, or that of which it is an item. */
  top: string;
  inner: boolean;
  track: Track | undefined;
  readyAt: number | null;
  span: Span;
  now: number;
  selected: boolean;
  /** Which attempt is looked at. */
  attempt: number | null;
  select: (top: string, row: string | null, attempt: number | null) => void;
}

export const Row = memo(function Row(props: Props) {
  const { step, name, top, inner, track, readyAt, span, now, selected, attempt, select } = props;
  const pointed = useHovered(top);
  const state = stateOfStep(step);
  const names = ["gantt-row", inner && "inner", selected && "selected", pointed && "pointed"];
  const within = (from: number, to: number) => from <= span.to && to >= span.from;
  return (
    <div className={names.filter(Boolean).join(" ")} {...hovering(top)}>
      <button
        type="button"
        className="plain"
        onClick={() => select(top, inner ? step.id : null, null)}
        title={`${name}: ${state.word}`}
      >
        <span className={`tint-${state.look}`}>
          <Icon name={state.icon} />
        </span>
        <span className="name">{name}</span>
        <span className="unseen">, {state.word}</span>
      </button>
      <div className="lane">
        {segmentsOf(step, track, readyAt)
          .filter((segment) => within(segment.from, segment.to ?? now))
          .map((segment) => (
            <Bar
              key={segment.from + segment.look}
              segment={segment}
              span={span}
              end={segment.to ?? now}
              chosen={selected && attempt === segment.attempt}
              choose={() => select(top, inner ? step.id : null, segment.attempt)}
            />
          ))}
        {track?.marks
          .filter((mark) => within(mark.at, mark.at))
          .map((mark) => (
            <Dash key={mark.at + mark.look} mark={mark} span={span} />
          ))}
      </div>
    </div>
  );
});

interface BarProps {
  segment: Segment;
  span: Span;
  end: number;
  chosen: boolean;
  choose: () => void;
}

function Bar({ segment, span, end, chosen, choose }: BarProps) {
  const left = shareOf(segment.from, span);
  const label = `${segment.label} · ${duration(end - segment.from)} · from ${clock(segment.from, 3)}`;
  return (
    <button
      type="button"
      // What is here is in the drawer's attempts, too, where keys lead.
      tabIndex={-1}
      className={`gantt-segment fill-${segment.look}${chosen ? " chosen" : ""}`}
      style={{ left: `${left}%`, width: `${shareOf(end, span) - left}%` }}
      title={label}
      aria-label={label}
      onClick={choose}
    />
  );
}

const Dash = ({ mark, span }: { mark: Mark; span: Span }) => (
  <i
    className={`mark-${mark.look}`}
    style={{ left: `${shareOf(mark.at, span)}%` }}
    title={`${mark.label} · ${clock(mark.at, 3)}`}
  />
);
