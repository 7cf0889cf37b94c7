import type { ReactNode } from "react";
import { Link, useQueryString, withQuery } from "../../router";

export interface PanelTab {
  id: string;
  word: string;
  show: () => ReactNode;
}

/** The parts of a panel, of which the address says which one is shown. */
export function PanelTabs({ label, tabs }: { label: string; tabs: readonly PanelTab[] }) {
  const wanted = useQueryString().get("tab");
  const here = tabs.find(({ id }) => id === wanted) ?? tabs[0];
  return (
    <>
      <nav className="panel-tabs" aria-label={label}>
        {tabs.map(({ id, word }) => (
          <Link
            key={id}
            href={withQuery({ tab: id === tabs[0]?.id ? null : id })}
            aria-current={id === here?.id ? "true" : undefined}
          >
            {word}
          </Link>
        ))}
      </nav>
      <div className="panel-body" key={here?.id}>
        {here?.show()}
      </div>
    </>
  );
}
