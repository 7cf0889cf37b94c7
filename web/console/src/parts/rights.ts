/** What the one who is signed in may do: buttons of other acts are not shown. The API decides. */

import { useQuery } from "@tanstack/react-query";
import { session } from "../api/client";

const ALL = "admin";

export function useMay(): (...scopes: string[]) => boolean {
  const { data } = useQuery({ queryKey: ["session"], queryFn: session, staleTime: 60_000 });
  const scopes = data?.scopes ?? [];
  return (...wanted) => scopes.includes(ALL) || wanted.every((scope) => scopes.includes(scope));
}
