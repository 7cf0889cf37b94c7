/** Why something waits, as the engine explains it. */

import type { Finding, Step } from "../../api/types";
import { inThisZone } from "../../time";

export function Why({ findings, of }: { findings: Finding[] | undefined; of: string }) {
  if (findings === undefined) return null;
  const kinds = kindsOf(findings);
  const parked = findings.some((finding) => finding.code === "parked");
  return (
    <div className={`execution-why ${parked ? "parked" : "running"}`}>
      <b>Why is it waiting?</b>
      {kinds.length === 0 && <p>Nothing holds this {of} up at the moment.</p>}
      {kinds.slice(0, SHOWN).map(([finding, alike]) => (
        <p key={`${finding.code} ${finding.within} ${finding.step_id}`}>
          <strong>{placeOf(finding, of)}</strong>
          {inThisZone(finding.because)}
          {alike > 0 && ` So it is with ${alike} more.`}{" "}
          <span className="advice">{finding.what_to_do}</span>
        </p>
      ))}
      {kinds.length > SHOWN && (
        <p className="advice">… and {kinds.length - SHOWN} more that wait for these.</p>
      )}
    </div>
  );
}

function placeOf({ step_id, item_index }: Finding, of: string): string {
  const step = of === "execution" && step_id ? step_id : "";
  const item = item_index === null ? "" : `item ${item_index}`;
  const place = [step, item].filter(Boolean).join(", ");
  return place && `${place}: `;
}

/** One of each kind at each step, what others wait for first, and how many more are like it. */
function kindsOf(findings: Finding[]): [Finding, number][] {
  const kinds = new Map<string, [Finding, number]>();
  for (const finding of findings) {
    const key = `${finding.code} ${finding.within} ${finding.step_id}`;
    const known = kinds.get(key);
    if (known) known[1] += 1;
    else kinds.set(key, [finding, 0]);
  }
  const rank = ([finding]: [Finding, number]) => Number(DERIVED.includes(finding.code));
  return [...kinds.values()].sort((one, other) => rank(one) - rank(other));
}

const SHOWN = 4;
/** Waits that end by themselves when another one does. */
const DERIVED = ["waits_for_dependencies", "waits_for_items", "waits_for_steps", "items_held"];

/** Of an item only what is about it; of a step also what is about its items. */
export function concerns(finding: Finding, step: Step): boolean {
  if (finding.step_id !== step.step_id && !isAround(finding, step)) return false;
  return (
    step.kind !== "item" || finding.item_index === null || finding.item_index === step.item_index
  );
}

const isAround = (finding: Finding, step: Step): boolean =>
  step.inside !== null && (finding.within ?? "").startsWith(step.step_id);
