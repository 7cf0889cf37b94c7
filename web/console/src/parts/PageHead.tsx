import { type ReactNode, useEffect } from "react";
import { clock } from "../time";

/** The head of a page: its name (the tab's, too), how many there are, and what one can do. */
export function PageHead({
  title,
  count,
  awaySince = null,
  children,
}: {
  title: string;
  count?: number | null | undefined;
  /** Since when what is shown could not be refreshed (ms); null while it is. */
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
      {awaySince !== null && (
        <span className="away" role="status">
          <span className="dot" /> cannot be reached since {clock(awaySince)}, trying again
        </span>
      )}
      {children && <div className="page-acts">{children}</div>}
    </header>
  );
}
