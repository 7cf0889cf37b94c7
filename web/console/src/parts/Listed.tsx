import type { ReactNode } from "react";
import { Link, withQuery } from "../router";
import { Failure, Notice } from "./Notice";
import { Skeleton } from "./Skeleton";

interface Found<Data> {
  data: Data | undefined;
  error: Error | null;
  isPlaceholderData: boolean;
  isFetching: boolean;
  refetch: () => unknown;
}

/** A list that was asked for: what was found, or rows to come, or why there are none. */
export function Listed<Data>({
  found,
  of,
  children,
}: {
  found: Found<Data>;
  of: string;
  children: (data: Data) => ReactNode;
}) {
  return (
    <div className={found.isPlaceholderData ? "list fading" : "list"} aria-busy={found.isFetching}>
      {found.data !== undefined ? (
        children(found.data)
      ) : found.error ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : (
        <Skeleton of={of} />
      )}
    </div>
  );
}

/** Nothing, because of what one has chosen; *choices* are the names of it in the address. */
export function NothingLikeThat({ of, choices }: { of: string; choices: string[] }) {
  const all = withQuery(Object.fromEntries(choices.map((name) => [name, null])));
  return (
    <Notice title={`No ${of} is like that`}>
      <p>
        <Link href={all}>Show all</Link>
      </p>
    </Notice>
  );
}
