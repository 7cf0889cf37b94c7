import { type ReactNode, useEffect } from "react";
import { byServer } from "../api/clock";
import { clock } from "../time";
import { useAwaySince } from "./away";

/** The head of a page: its name (the tab's, too), how many there are, and what one can do. */
export function PageHead({
  title,
  count,
  awaySince,
  children,
}: {
  title: string;
  count?: number | null | undefined;
  /** Since when what is shown could not be refreshed (ms), where the page says it itself. */
  awaySince?: number | null;
  children?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Pipeline Engine`;
  }, [title]);
  return (
    <header className="page-head">
      <h1>{title}</h1>
      {count != null && <span className="count">{count.toLocaleString("en-GB")}</span>}
      <Away since={awaySince} />
      {children && <div className="page-acts">{children}</div>}
    </header>
  );
}

/** Whether what is shown is still asked for in vain. */
export function Away({ since }: { since?: number | null | undefined }) {
  const known = useAwaySince();
  const at = since ?? known;
  if (at === null) return null;
  return (
    <span className="away" role="status">
      <span className="dot" /> cannot be reached since {clock(byServer(at))}, trying again
    </span>
  );
}
