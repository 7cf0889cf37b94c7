import type { ReactNode } from "react";

/** A text as it is written, line by line; what scrolls can be reached by keys. */
export function Preformatted({ children }: { children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <pre className="value" tabIndex={0}>
      {children}
    </pre>
  );
}
