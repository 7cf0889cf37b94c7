import type { MouseEvent } from "react";
import { EXECUTIONS } from "../addresses";
import type { RecentExecution } from "../api/types";
import { go } from "../router";
import { stateOfStatus } from "../states";
import { duration, exact, moment } from "../time";
import { barsOf, failedOf, inWords } from "./spark";

const WIDTH = 7;
const GAP = 2;
const HEIGHT = 22;

/** Bars as high as they took long; how each ended is its colour and its shape. */
export function Spark({ recent }: { recent: readonly RecentExecution[] }) {
  if (recent.length === 0) return <span className="muted">never run</span>;
  const bars = barsOf(recent);
  const by = new Map(recent.map((one) => [one.execution_id, one]));
  const failed = failedOf(recent);
  const open = (event: MouseEvent<SVGSVGElement>) => {
    const id = (event.target as SVGElement).dataset.execution;
    if (id) go(`${EXECUTIONS}/${id}`);
  };
  return (
    <span className="spark">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the pipeline's page lists the executions */}
      <svg
        width={bars.length * (WIDTH + GAP)}
        height={HEIGHT}
        role="img"
        aria-label={inWords(recent)}
        onClick={open}
      >
        {bars.map(({ id, status, height }, at) => (
          <g
            key={id}
            className={`bar-${stateOfStatus(status).look}`}
            transform={`translate(${at * (WIDTH + GAP)} 0)`}
          >
            <Shape status={status} height={Math.max(3, Math.round(height * HEIGHT))} />
            <rect className="hit" data-execution={id} width={WIDTH + GAP} height={HEIGHT}>
              <title>{titleOf(by.get(id))}</title>
            </rect>
          </g>
        ))}
      </svg>
      {failed > 0 && <span className="spark-failed">{failed} failed</span>}
    </span>
  );
}

/** Full: completed. Notched with a cross: failed. Hollow: stopped, or not at its end yet. */
function Shape({ status, height }: { status: string; height: number }) {
  const top = HEIGHT - height;
  const look = stateOfStatus(status).look;
  if (look === "done") return <rect y={top} width={WIDTH} height={height} rx="1.5" />;
  if (look === "failed") {
    return (
      <>
        <rect y={top} width={WIDTH} height={height} rx="1.5" />
        <path className="cross" d={`M1.5 ${HEIGHT / 2 - 2}l4 4m0 -4l-4 4`} />
      </>
    );
  }
  return (
    <rect
      className="hollow"
      x="0.75"
      y={top + 0.75}
      width={WIDTH - 1.5}
      height={height - 1.5}
      rx="1"
    />
  );
}

function titleOf(one: RecentExecution | undefined): string {
  if (!one) return "";
  const took = one.seconds === null ? "not begun" : duration(one.seconds * 1_000);
  return `${stateOfStatus(one.status).word}, ${took}\n${exact(moment(one.created_at))}`;
}
