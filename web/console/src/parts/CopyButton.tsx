import { useEffect, useState } from "react";

/** Copies a text, and says that it has. */
export function CopyButton({ text, children }: { text: string; children: string }) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    const timer = said ? setTimeout(() => setSaid(null), 2_000) : undefined;
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid("Copied"),
      () => setSaid("The browser forbids it"),
    );
  return (
    <button type="button" onClick={copy} aria-live="polite">
      {said ?? children}
    </button>
  );
}
