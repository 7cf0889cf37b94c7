import { type ReactNode, useState } from "react";
import type { Answered } from "../api/client";

/** Opens the form of what is there: as it was when one began, whatever comes in meanwhile. */
export function EditButton<Item>({
  of,
  children,
}: {
  of: Answered<Item>;
  children: (before: Answered<Item>, close: () => void) => ReactNode;
}) {
  const [before, setBefore] = useState<Answered<Item> | null>(null);
  return (
    <>
      <button type="button" onClick={() => setBefore(of)}>
        Change
      </button>
      {before && children(before, () => setBefore(null))}
    </>
  );
}
