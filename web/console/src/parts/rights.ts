/** What the one who is signed in may do: buttons of other acts are not shown. The API decides. */

import { useQuery } from "@tanstack/react-query";
import { session } from "../api/client";

const ALL = "admin";

/** Undefined until it is known. */
export const useSession = () =>
  useQuery({ queryKey: ["session"], queryFn: session, staleTime: 60_000 }).data;

export function useMay(): (...scopes: string[]) => boolean {
  const scopes = useSession()?.scopes ?? [];
  return (...wanted) => scopes.includes(ALL) || wanted.every((scope) => scopes.includes(scope));
}
