/** What one may type in a shell, whole and to be copied. */

import { CopyButton } from "./CopyButton";

export function Commands({ children }: { children: string }) {
  return (
    <div className="commands">
      <pre>{children}</pre>
      <CopyButton text={children}>Copy</CopyButton>
    </div>
  );
}
