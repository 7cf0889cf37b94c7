import type { Step } from "../../api/types";
import { Failure } from "../../parts/Notice";
import { Chip } from "../../parts/State";
import { Link, withQuery } from "../../router";
import { isOpen, stateOfStep } from "../../states";
import { duration, moment } from "../../time";
import { itemName, useItems } from "../items";

/** The items of a fan-out, or the steps of a block, a hundred at a time. */
export function Items({ step, page, now }: { step: Step; page: number; now: number }) {
  const { data, error, refetch } = useItems(step, page);
  if (error && !data) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <p className="empty">Loading…</p>;
  const { total_pages } = data.pagination;
  return (
    <>
      {data.steps.length === 0 && <p className="empty">There is none on this page.</p>}
      <ul className="items">
        {data.steps.map((item) => (
          <li key={item.id}>
            <Link href={withQuery({ row: item.id, tab: "overview" })}>
              <Chip state={stateOfStep(item)} />
              <span className="name">
                {itemName(item)}
                {item.attempt > 1 && <span className="muted"> · attempt {item.attempt}</span>}
                {item.error_message && <span className="error">{item.error_message}</span>}
              </span>
              <span className="muted">{spanOf(item, now)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {total_pages > 1 && (
        <nav className="pages" aria-label="Pages of the items">
          <span>
            page {page} of {total_pages}
          </span>
          {page > 1 && (
            <Link className="button" href={withQuery({ page: String(page - 1) })}>
              Before
            </Link>
          )}
          {page < total_pages && (
            <Link className="button" href={withQuery({ page: String(page + 1) })}>
              Next
            </Link>
          )}
        </nav>
      )}
    </>
  );
}

function spanOf(item: Step, now: number): string {
  if (item.start_time === null) return "";
  const until = item.end_time
    ? moment(item.end_time)
    : isOpen(item.status)
      ? now
      : moment(item.updated_at);
  return duration(until - moment(item.start_time));
}
