import { useQuery } from "@tanstack/react-query";
import { change } from "../api/client";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { dependents } from "./dependents";
import "./pipelines.css";

interface Props {
  pipeline: { id: string; name: string };
  close: () => void;
  gone: (() => void) | undefined;
}

/** Deletes a pipeline, once it is said what depends on it. */
export function Delete({ pipeline, close, gone }: Props) {
  const { data, error, isPending } = useQuery({
    queryKey: ["pipeline", pipeline.id, "dependents"],
    queryFn: ({ signal }) => dependents(pipeline, signal),
  });
  const remove = useAct({
    act: () => change("DELETE", `/pipelines/${pipeline.id}`),
    changes: [["pipelines"]],
    said: () => `${pipeline.name} is deleted.`,
    after: () => {
      close();
      gone?.();
    },
  });
  return (
    <Confirm
      title={`Delete ${pipeline.name}?`}
      word="Delete"
      running={remove.isPending || isPending}
      error={remove.error}
      act={() => remove.once(undefined)}
      close={close}
    >
      <p>
        Its executions stay, and those that run go on to their end. It cannot be brought back;
        archive it if its definition may be of use.
      </p>
      <div className="pipeline-dependents" aria-live="polite">
        {isPending && <p>Looking for what depends on it…</p>}
        {error && <p>What depends on it could not be found out: {error.message}</p>}
        {data && data.length === 0 && <p>Nothing that you may see depends on it.</p>}
        {data && data.length > 0 && (
          <ul>
            {data.map(({ what, names, then }) => (
              <li key={what}>
                <strong>{what}</strong> {then}: <span>{names.join(", ")}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Confirm>
  );
}
