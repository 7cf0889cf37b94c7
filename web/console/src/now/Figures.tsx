/** How many executions are where, each with the way to them. */

import type { ReactNode } from "react";
import { EXECUTIONS, PARKED } from "../addresses";
import type { Overview } from "../api/types";
import { Icon } from "../parts/Icon";
import { Time } from "../parts/Time";
import { Link } from "../router";
import type { IconName, Look } from "../states";
import { failedInADay } from "./hours";

export function Figures({ overview, now }: { overview: Overview; now: number }) {
  const { running, waiting, parked, failed_24h: failed, taken_at: takenAt } = overview;
  return (
    <>
      <ul className="figures">
        <Figure
          count={running}
          word="Running"
          look="running"
          icon="play"
          href={`${EXECUTIONS}?status=RUNNING`}
        />
        <Figure
          count={waiting}
          word="Pending"
          look="waiting"
          icon="dot"
          href={`${EXECUTIONS}?status=PENDING`}
        />
        <Figure count={parked.count} word="Parked" look="parked" icon="pause" href={PARKED}>
          {parked.oldest && <Oldest oldest={parked.oldest} now={now} />}
        </Figure>
        <Figure
          count={failed}
          word="Failed in 24 h"
          look="failed"
          icon="cross"
          href={failedInADay(takenAt)}
        />
      </ul>
      <span className="unseen" role="status">
        {parked.count} parked, {failed} failed in 24 hours
      </span>
    </>
  );
}

function Oldest({
  oldest,
  now,
}: {
  oldest: NonNullable<Overview["parked"]["oldest"]>;
  now: number;
}) {
  const { execution_id, pipeline_name, step_id, since } = oldest;
  return (
    <Link
      className="figure-more"
      href={`${EXECUTIONS}/${execution_id}`}
      title={`${pipeline_name}, step ${step_id}`}
    >
      oldest {since && <Time at={since} now={now} relative />} · {step_id}
    </Link>
  );
}

function Figure({
  count,
  word,
  look,
  icon,
  href,
  children,
}: {
  count: number;
  word: string;
  look: Look;
  icon: IconName;
  href: string;
  children?: ReactNode;
}) {
  return (
    <li className="now-card figure">
      <Link className="figure-link" href={href}>
        <span className={count > 0 ? `figure-count text-${look}` : "figure-count none"}>
          {count.toLocaleString("en-GB")}
        </span>
        <span className="figure-word">
          <Icon name={icon} /> {word}
        </span>
      </Link>
      {children}
    </li>
  );
}
