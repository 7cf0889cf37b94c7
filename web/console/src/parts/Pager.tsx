import { Link, withQuery } from "../router";

export { pageOf } from "./address";

/** Which part of a list is shown, and the ways to its neighbours. */
export function Pager({
  page,
  pageSize,
  total,
  words = ["Newer", "Older"],
}: {
  page: number;
  pageSize: number;
  total: number;
  words?: [string, string];
}) {
  const first = (page - 1) * pageSize + 1;
  const last = Math.min(page * pageSize, total);
  const to = (number: number) => withQuery({ page: number === 1 ? null : String(number) });
  if (total === 0) return null;
  return (
    <nav className="pages" aria-label="Pages of the list">
      <span>
        {first}–{last} of {total.toLocaleString("en-GB")}
      </span>
      {page > 1 && (
        <Link className="button" rel="prev" href={to(page - 1)}>
          {words[0]}
        </Link>
      )}
      {last < total && (
        <Link className="button" rel="next" href={to(page + 1)}>
          {words[1]}
        </Link>
      )}
    </nav>
  );
}
