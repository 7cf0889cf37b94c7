import { type ReactNode, useEffect } from "react";
import type { State } from "../states";
import { Away } from "./PageHead";
import { Chip } from "./State";
import { Trail } from "./Trail";
import "./facts.css";

/** The head of the page of one thing: the way back, its name, how it stands, and what one can do. */
export function DetailHead({
  list,
  href,
  id,
  name,
  state,
  children,
}: {
  /** The page that lists it. */
  list: string;
  href: string;
  id: string;
  name: string;
  state: State;
  children?: ReactNode;
}) {
  const title = `${name} · ${list}`;
  useEffect(() => {
    document.title = `${title} · Pipeline Engine`;
  }, [title]);
  return (
    <header className="page-section">
      <Trail ways={[[list, href]]}>
        <span className="id">{id}</span>
      </Trail>
      <div className="page-title">
        <h1>{name}</h1>
        <Chip state={state} />
        <Away />
        {children && <div className="page-acts">{children}</div>}
      </div>
    </header>
  );
}
