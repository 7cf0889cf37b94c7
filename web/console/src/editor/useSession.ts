/** A session that ends while one edits takes nothing away: one signs in where one is. */

import { useEffect } from "react";
import { keepWhenSessionEnds } from "../api/client";
import type { Editing } from "./editing";

export function useSession(editing: Editing): void {
  useEffect(() => keepWhenSessionEnds(() => editing.set({ isSignedOut: true })), [editing]);
}
