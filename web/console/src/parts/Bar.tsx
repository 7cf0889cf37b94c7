import type { Look } from "../states";

export interface Share {
  look: Look;
  share: number;
}

/** A bar of shares: how far something is, or of what it is made; the label says it in words. */
export function Bar({ shares, label }: { shares: Share[]; label: string }) {
  return (
    <div className="bar" role="img" aria-label={label}>
      {shares.map(
        ({ look, share }) =>
          share > 0 && <i key={look} className={`fill-${look}`} style={{ flexGrow: share }} />,
      )}
    </div>
  );
}
