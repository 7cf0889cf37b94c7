/** One pipeline: what it does, how it went, how it was changed, what starts it. */

import { useQuery } from "@tanstack/react-query";
import { editorAt, gridAt, PIPELINES } from "../addresses";
import { read } from "../api/client";
import type { Pipeline as Stored } from "../api/types";
import { CopyButton } from "../parts/CopyButton";
import { Failure } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { useMay } from "../parts/rights";
import { Skeleton } from "../parts/Skeleton";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { Acts } from "../pipelines/Acts";
import { go, Link, useQueryString, withQuery } from "../router";
import { stateOfPipeline } from "../states";
import { Definition } from "./Definition";
import { Executions } from "./Executions";
import { Overview } from "./Overview";
import { Revisions } from "./Revisions";
import { Run } from "./Run";
import { Starters } from "./Starters";
import "./pipeline.css";

const TABS = [
  { value: null, word: "Overview" },
  { value: "executions", word: "Executions" },
  { value: "revisions", word: "Revisions" },
  { value: "starters", word: "Triggers" },
  { value: "definition", word: "Definition" },
];

/** Milliseconds between two looks at the definition: others may change it. */
const QUIET = 15_000;

export default function Pipeline({ id }: { id: string }) {
  const query = useQueryString();
  const found = useQuery({
    queryKey: ["pipeline", id],
    queryFn: ({ signal }) => read<Stored>(`/pipelines/${encodeURIComponent(id)}`, signal),
    refetchInterval: QUIET,
  });
  if (!found.data) {
    return found.error ? (
      <Failure error={found.error} retry={() => void found.refetch()} />
    ) : (
      <div className="list-page">
        <Skeleton of="the pipeline" />
      </div>
    );
  }
  const { value: pipeline, etag } = found.data;
  const tab = TABS.find(({ value }) => value === query.get("tab"))?.value ?? null;
  const closeRun = () => go(withQuery({ run: null, from: null }), { replace: true });
  return (
    <div className="list-page pipeline-page">
      <Head pipeline={pipeline} awaySince={found.error ? found.dataUpdatedAt : null} />
      <Tabs label="Of the pipeline" name="tab" tabs={TABS} chosen={tab} reset={RESET} />
      {tab === null && <Overview pipeline={pipeline} />}
      {tab === "executions" && <Executions pipeline={pipeline} />}
      {tab === "revisions" && <Revisions pipeline={pipeline} etag={etag} />}
      {tab === "starters" && <Starters pipeline={pipeline} />}
      {tab === "definition" && <Definition pipeline={pipeline} />}
      {query.get("run") === "1" && pipeline.status === "ACTIVE" && (
        <Run pipeline={pipeline} from={query.get("from")} close={closeRun} />
      )}
    </div>
  );
}

const RESET = ["page", "step", "base", "revision"];

function Head({ pipeline, awaySince }: { pipeline: Stored; awaySince: number | null }) {
  const { id, name, status, description } = pipeline;
  const may = useMay();
  const isIts = may("pipelines:write") && (!pipeline.system_owned || may("admin"));
  return (
    <>
      <Link className="to-pipelines" href={PIPELINES}>
        Pipelines
      </Link>
      <PageHead title={name} awaySince={awaySince}>
        {may("executions:run") && (
          <Link
            className="button main"
            href={withQuery({ run: "1" })}
            aria-disabled={status !== "ACTIVE" || undefined}
          >
            Run…
          </Link>
        )}
        {isIts && status !== "ARCHIVED" && (
          <Link className="button" href={editorAt(id)}>
            Edit
          </Link>
        )}
        <Link className="button" href={gridAt(id)}>
          Grid
        </Link>
        <Acts pipeline={pipeline} gone={() => go(PIPELINES)} />
      </PageHead>
      {description && <p className="pipeline-about">{description}</p>}
      <Facts pipeline={pipeline} />
    </>
  );
}

function Facts({ pipeline }: { pipeline: Stored }) {
  const { id, status, revision, updated_at, created_by, user_id, step_count } = pipeline;
  const now = useNow(true, 10_000);
  return (
    <div className="pipeline-facts">
      <Chip state={stateOfPipeline(status)} />
      {status === "DRAFT" && <span>It has no steps yet: edit it before it can run.</span>}
      {status === "ARCHIVED" && <span>Nothing starts it; restore it before it can run.</span>}
      <span>
        revision {revision}, saved <Time at={updated_at} now={now} relative />
      </span>
      <span>
        {step_count} step{step_count === 1 ? "" : "s"}
      </span>
      <span title={`Created by ${created_by}`}>
        {user_id ? `owner ${user_id}` : "owner system"}
      </span>
      <CopyButton text={id}>Copy id</CopyButton>
    </div>
  );
}
