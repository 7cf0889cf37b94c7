/** Params for a stored pipeline: a field for each parameter that it declares. */

import { useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { Drafts, SetDraft } from "../forms/drafts";
import { ParamFields } from "../forms/ParamFields";
import type { Values } from "../forms/param";
import { fieldsOf } from "../forms/parameters";
import { problemsOf } from "../forms/problems";
import { Failure } from "./Notice";

interface Stored {
  dag: { parameters?: unknown } | null;
}

export function PipelineParams({
  pipeline,
  values,
  change,
  error,
  drafts,
  setDraft,
  given = () => true,
}: {
  /** Its id; "" as long as none is chosen. */
  pipeline: string;
  values: Values;
  change: (values: Values) => void;
  error: Error | null;
  drafts: Drafts;
  setDraft: SetDraft;
  /** Names that something else gives are no fields. */
  given?: (name: string) => boolean;
}) {
  const { data, error: away } = useQuery({
    queryKey: ["pipeline", pipeline, "parameters"],
    queryFn: ({ signal }) => get<Stored>(`/pipelines/${pipeline}`, signal),
    enabled: pipeline !== "",
    staleTime: 10_000,
  });
  if (pipeline === "") return null;
  if (away) return <Failure error={away} />;
  if (!data) return <p className="muted">Loading its parameters…</p>;
  const params = fieldsOf(data.dag?.parameters).filter(({ name }) => given(name));
  if (params.length === 0 && Object.keys(values).length === 0) {
    return <p className="muted">The pipeline has no parameters to give.</p>;
  }
  return (
    <ParamFields
      params={params}
      values={values}
      onChange={change}
      problems={problemsOf(error)}
      drafts={drafts}
      onDraft={setDraft}
    />
  );
}
