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

interface Props<Data> {
  found: Found<Data>;
  of: string;
  children: (data: Data) => ReactNode;
}

/** What was asked for, once it is there; until then rows to come, or why there are none. */
export function Loaded<Data>({ found, of, children }: Props<Data>) {
  if (found.data !== undefined) return children(found.data);
  if (!found.error) return <Skeleton of={of} />;
  return <Failure error={found.error} retry={() => void found.refetch()} />;
}

/** The same for a list, which fades while another page of it comes. */
export function Listed<Data>(props: Props<Data>) {
  const { isPlaceholderData, isFetching } = props.found;
  return (
    <div className={isPlaceholderData ? "list fading" : "list"} aria-busy={isFetching}>
      <Loaded {...props} />
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
