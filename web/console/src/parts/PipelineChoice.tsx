/** Which pipeline: as a filter of a list, and as a field of a form. */

import { useState } from "react";
import { go, withQuery } from "../router";
import { Field } from "./Field";
import { MOST, type NamedPipeline, usePipelines } from "./pipelines";

export function PipelineChoice({ chosen }: { chosen: string | null }) {
  const known = usePipelines()?.value ?? [];
  return (
    <label className="select">
      <span>Pipeline</span>
      <select
        value={chosen ?? ""}
        onChange={(event) => go(withQuery({ pipeline: event.target.value || null, page: null }))}
      >
        <option value="">all</option>
        <Options known={known} chosen={chosen} />
      </select>
    </label>
  );
}

/** A choice of one; where there are more than fit into a list one looks for its name first. */
export function PipelineField({
  chosen,
  choose,
  problem,
}: {
  chosen: string;
  choose: (id: string) => void;
  problem: string | null;
}) {
  const [search, setSearch] = useState("");
  const all = usePipelines();
  const found = usePipelines(search);
  const areMany = (all?.total ?? 0) > MOST;
  return (
    <Field label="Pipeline" problem={problem}>
      {(joined) => (
        <>
          {areMany && (
            <input
              type="search"
              aria-label="Part of the pipeline's name"
              placeholder="Part of its name"
              value={search}
              onChange={(event) => setSearch(event.target.value)}
            />
          )}
          <select
            {...joined}
            value={chosen}
            onChange={(event) => choose(event.target.value)}
            required
          >
            <option value="">Choose one</option>
            <Options known={found?.value ?? []} chosen={chosen || null} />
          </select>
        </>
      )}
    </Field>
  );
}

function Options({ known, chosen }: { known: NamedPipeline[]; chosen: string | null }) {
  return (
    <>
      {chosen && !known.some(({ id }) => id === chosen) && <option value={chosen}>{chosen}</option>}
      {known.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </>
  );
}
