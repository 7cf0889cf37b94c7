/** What a step waits for, and whether it runs then. */

import type { Placed } from "../../model/steps";
import { DependsOn, TriggerRule } from "../DependsOn";
import { Fields } from "../Fields";
import { CONDITION, HANDLER_WHEN } from "../fields/step";

export function When({ placed }: { placed: Placed }) {
  const { path, isHandler } = placed;
  return (
    <>
      {isHandler ? (
        <Fields params={HANDLER_WHEN} path={path} placed={placed} />
      ) : (
        <>
          <DependsOn placed={placed} />
          <TriggerRule placed={placed} />
        </>
      )}
      <Fields params={CONDITION} path={path} placed={placed} />
    </>
  );
}
