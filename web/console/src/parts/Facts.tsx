import type { ReactNode } from "react";
import "./facts.css";

/** What is to be known of one thing, word by word; what is empty is left out. */
export function Facts({ facts }: { facts: [word: string, value: ReactNode][] }) {
  return (
    <dl className="fact-list">
      {facts.map(
        ([word, value]) =>
          value !== null &&
          value !== undefined &&
          value !== "" &&
          value !== false && (
            <div key={word}>
              <dt>{word}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** A part of a page with a head of its own. */
export function Section({
  title,
  tools,
  children,
}: {
  title: string;
  tools?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="page-section" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {tools && <div className="page-acts">{tools}</div>}
      </header>
      {children}
    </section>
  );
}
