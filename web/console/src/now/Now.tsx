/** What all executions are up to, whether everything is well, and what waits for me. */

import { useQuery } from "@tanstack/react-query";
import { NEW_PIPELINE } from "../addresses";
import { get } from "../api/client";
import type { ExecutionList, Overview } from "../api/types";
import { Lights } from "../lights/Lights";
import { Commands } from "../parts/Commands";
import { MAKE_PIPELINE } from "../parts/commands";
import { Failure, Notice } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Skeleton } from "../parts/Skeleton";
import { useNow } from "../parts/useNow";
import { Link } from "../router";
import { Approvals } from "./Approvals";
import { Due } from "./Due";
import { FailedLast, Running } from "./Executions";
import { Figures } from "./Figures";
import { isQuiet } from "./hours";
import { Strip } from "./Strip";
import "./now.css";

/** Milliseconds between two looks. */
const LIVE = 3_000;
const QUIET = 6_000;

export default function Now() {
  const found = useQuery({
    queryKey: ["overview"],
    queryFn: ({ signal }) => get<Overview>("/overview", signal),
    refetchInterval: LIVE,
  });
  const { data, error } = found;
  return (
    <div className="list-page now-page">
      <PageHead title="Now" awaySince={data && error ? found.dataUpdatedAt : null} />
      <Lights />
      {data ? (
        <Seen overview={data} />
      ) : error ? (
        <Failure error={error} retry={() => void found.refetch()} />
      ) : (
        <Skeleton of="what is up" />
      )}
    </div>
  );
}

function Seen({ overview }: { overview: Overview }) {
  const now = useNow(true);
  const isFresh = useIsFresh(isQuiet(overview));
  if (isFresh) return <First />;
  const every = overview.running > 0 ? LIVE : QUIET;
  return (
    <>
      <Figures overview={overview} now={now} />
      <Strip hours={overview.hours} />
      <div className="briefs">
        <Approvals now={now} every={every} />
        <Running now={now} every={every} />
        <FailedLast now={now} every={QUIET} />
        <Due due={overview.next_due} now={now} />
      </div>
    </>
  );
}

/** Whether nothing was ever executed; it is asked only where the last day was quiet. */
function useIsFresh(isQuietNow: boolean): boolean {
  const { data } = useQuery({
    queryKey: ["executions", "any"],
    queryFn: ({ signal }) => get<ExecutionList>("/executions?page_size=1", signal),
    enabled: isQuietNow,
  });
  return isQuietNow && data?.pagination.total_count === 0;
}

function First() {
  return (
    <Notice title="No executions yet">
      <p>
        <Link href={NEW_PIPELINE}>Build a pipeline</Link> here, or let these commands write one,
        store it and run it. It waits for your approval then, on this page:
      </p>
      <Commands>{MAKE_PIPELINE}</Commands>
    </Notice>
  );
}
