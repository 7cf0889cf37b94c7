import { executionAt } from "../addresses";
import { Link } from "../router";

/** An execution by its id; nothing where there is none. */
export function ExecutionLink({ id, short = false }: { id: string | null; short?: boolean }) {
  if (id === null) return null;
  return (
    <Link className="id plain-link" href={executionAt(id)}>
      {short ? `${id.slice(0, 8)}…` : id}
    </Link>
  );
}
