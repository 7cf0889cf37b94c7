/** What the clock starts next. */

import { SCHEDULES } from "../addresses";
import type { Overview } from "../api/types";
import { Icon } from "../parts/Icon";
import { useMay } from "../parts/rights";
import { Dated } from "../parts/Time";
import { Link } from "../router";
import { Brief } from "./Brief";

const SHOWN = 6;

export function Due({ due, now }: { due: Overview["next_due"]; now: number }) {
  const may = useMay()("schedules:read");
  return (
    <Brief
      title="Scheduled next"
      all={may ? { href: SCHEDULES, word: "All schedules" } : null}
      rows={due.slice(0, SHOWN)}
      of={{ isPending: false, error: null }}
      none={
        may ? (
          <>
            No schedule is due. <code>pipeline-engine schedules create --help</code> says how to
            make one.
          </>
        ) : (
          <>
            To see what is due takes the right <code>schedules:read</code>.
          </>
        )
      }
    >
      {({ schedule_id, name, pipeline_name, due_at }) => (
        <li key={schedule_id + due_at}>
          <span className="mark waiting">
            <Icon name="clock" />
          </span>
          <span className="brief-name">
            <Link className="row-link" href={`${SCHEDULES}/${schedule_id}`}>
              {name}
            </Link>
            <span className="sub">{pipeline_name}</span>
          </span>
          <span className="brief-when">
            <Dated at={due_at} now={now} />
          </span>
        </li>
      )}
    </Brief>
  );
}
