/** What becomes of a step that fails: tried again, caught, or given up. */

import type { Placed } from "../../model/steps";
import { Fields, Several } from "../Fields";
import { CATCH, RETRY, TIMES } from "../fields/failure";

export function Failure({ placed }: { placed: Placed }) {
  const { path } = placed;
  return (
    <>
      <Fields params={TIMES} path={path} placed={placed} />
      <Several
        title="Retry"
        about="An attempt that fails is the last, unless the pipeline or the action says otherwise."
        one="policy"
        path={[...path, "retry"]}
        initial={{ max_attempts: 3 }}
        params={RETRY}
        placed={placed}
      />
      <Several
        title="Catch"
        about="What is left of a failure after the last attempt counts as the step's own."
        one="catch"
        path={[...path, "catch"]}
        initial={{ errors: "*" }}
        params={CATCH}
        placed={placed}
      />
    </>
  );
}
