import { Fragment, type ReactNode } from "react";
import { Link } from "../router";
import "./facts.css";

/** Where a page is: the ways up, the highest first, and then what it is of. */
export function Trail({
  ways,
  children,
}: {
  /** A way that leads nowhere is a word only. */
  ways: [word: string, href: string | null][];
  children: ReactNode;
}) {
  return (
    <nav className="trail" aria-label="Where this is">
      {ways.map(([word, href]) => (
        <Fragment key={word}>
          {href === null ? <span>{word}</span> : <Link href={href}>{word}</Link>}
          <span>/</span>
        </Fragment>
      ))}
      {children}
    </nav>
  );
}
