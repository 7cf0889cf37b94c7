/** A short list on a card, with the way to the whole one. */

import { type ReactNode, useId } from "react";
import { Link } from "../router";

interface Found {
  isPending: boolean;
  error: Error | null;
}

export function Brief<Row>({
  title,
  all,
  rows,
  of,
  none,
  children,
}: {
  title: string;
  /** Where the whole list is. */
  all: { href: string; word: string } | null;
  rows: Row[] | undefined;
  of: Found;
  none: ReactNode;
  children: (row: Row) => ReactNode;
}) {
  const id = useId();
  return (
    <section className="now-card brief" aria-labelledby={id} aria-busy={of.isPending}>
      <header>
        <h2 id={id}>{title}</h2>
        {all && <Link href={all.href}>{all.word}</Link>}
      </header>
      {rows && rows.length > 0 ? (
        <ul>{rows.map(children)}</ul>
      ) : (
        <p className="brief-none">{of.error ? said(of.error) : rows ? none : "Loading…"}</p>
      )}
    </section>
  );
}

const said = (error: Error) => `This could not be loaded: ${error.message}`;
