/** Rows to come. */
export function Skeleton({ of }: { of: string }) {
  return (
    <div className="skeleton" role="status">
      <span className="unseen">Loading {of}</span>
      {[..."12345678"].map((row) => (
        <i key={row} />
      ))}
    </div>
  );
}
