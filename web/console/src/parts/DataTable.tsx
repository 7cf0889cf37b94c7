/** A list of rows: a table where there is room, cards where there is none; `j`, `k` and Enter. */

import type { KeyboardEvent, ReactNode } from "react";
import type { Key } from "../keys/keys";
import { useKeys } from "../keys/useKeys";
import { Link } from "../router";

export interface Column<Row> {
  head: string;
  cell: (row: Row) => ReactNode;
  /** Numbers stand at the right, below each other. */
  number?: boolean;
  /** A share of the width, such as `140px` or `20%`; the rest is shared by the others. */
  width?: string;
  /** The one that names the row: it comes first on a card, and is what a link leads from. */
  names?: boolean;
  /** On a card, where no head is above it: its head before it, or a line of its own. */
  card?: "label" | "line";
}

export function DataTable<Row>({
  label,
  columns,
  rows,
  keyOf,
  hrefOf,
  idOf,
  isChosen,
}: {
  /** What the rows are, for whoever does not see the page. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  /** Where a row leads; rows without have buttons of their own, or nothing behind them. */
  hrefOf?: (row: Row) => string | null;
  /** What the link of a row is found by. */
  idOf?: (row: Row) => string;
  /** Whether it is the one that the rest of the page shows. */
  isChosen?: (row: Row) => boolean;
}) {
  useKeys(WALKING);
  return (
    <table className="data" aria-label={label} onKeyDown={walk}>
      <thead>
        <tr>
          {columns.map(({ head, number, width }) => (
            <th
              key={head}
              scope="col"
              className={number ? "number" : undefined}
              style={width ? { width } : undefined}
            >
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} data-chosen={isChosen?.(row) || undefined}>
            {columns.map((column) => (
              <Cell
                key={column.head}
                {...{ column, row }}
                href={hrefOf?.(row) ?? null}
                id={idOf?.(row)}
                chosen={isChosen?.(row)}
              />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellProps<Row> {
  column: Column<Row>;
  row: Row;
  href: string | null;
  id: string | undefined;
  chosen: boolean | undefined;
}

function Cell<Row>({ column, row, href, id, chosen }: CellProps<Row>) {
  const { head, cell, number, names, card } = column;
  const kinds = [number && "number", names && "row-name", card && `card-${card}`];
  const kind = kinds.filter(Boolean).join(" ") || undefined;
  return (
    <td className={kind} data-head={head}>
      {names && href ? (
        <Link className="row-link" href={href} id={id} aria-current={chosen ? "true" : undefined}>
          {cell(row)}
        </Link>
      ) : (
        cell(row)
      )}
    </td>
  );
}

const WALKING: Key[] = [
  { keys: "j", word: "To the next row", where: "Lists, once a row has the focus", act: null },
  { keys: "k", word: "To the row before", where: "Lists, once a row has the focus", act: null },
];

/** `j` and `k` go to the link of the next row and of the one before; Enter is the link's own. */
function walk(event: KeyboardEvent<HTMLTableElement>): void {
  const step = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof Element && event.target.closest("input, select, textarea")) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>(".row-link")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = links[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
