/** What was taken back of a deployment, what is kept, and what could not be taken back. */

import type { ReactNode } from "react";
import { Chip } from "../parts/State";
import { type State, stateIn } from "../states";
import type { OnboardedModel, Rollback } from "./workflow";

const STATES: Record<string, State> = {
  success: { word: "Taken back", look: "done", icon: "check" },
  partial: { word: "Partly taken back", look: "failed", icon: "cross" },
  error: { word: "Not taken back", look: "failed", icon: "cross" },
  pending: { word: "Being taken back", look: "retrying", icon: "stop" },
};

const KINDS: [kind: string, word: string][] = [
  ["redis_keys", "Gateway's tables"],
  ["deployments", "Deployments"],
  ["endpoints", "Endpoints"],
  ["profiles", "Profiles"],
];

export function TakenBack({
  rollback,
  onboarded,
}: {
  rollback: Rollback;
  onboarded: readonly OnboardedModel[];
}) {
  const { status, cleaned_up, kept, errors } = rollback;
  const state = stateIn(STATES, status);
  const undone = KINDS.filter(([kind]) => (cleaned_up[kind]?.length ?? 0) > 0);
  const left = KINDS.filter(([kind]) => (kept?.[kind]?.length ?? 0) > 0);
  return (
    <section className="taken-back" aria-label="What was taken back">
      <Chip state={state} />
      <dl className="guardrail-taken">
        {undone.map(([kind, word]) => (
          <Line key={kind} word={word} ids={cleaned_up[kind] ?? []} />
        ))}
        {undone.length === 0 && <Line word="Taken back" ids={[]} none="Nothing was there yet." />}
        {left.map(([kind, word]) => (
          <Line key={`kept ${kind}`} word={`${word}, as they were`} ids={kept[kind] ?? []} />
        ))}
        <Onboarded models={onboarded} />
      </dl>
      {errors.length > 0 && (
        <ul className="form-failure" aria-label="What could not be taken back">
          {errors.map((error) => (
            <li key={error}>{error}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** Models stay, whatever becomes of the workflow. */
export function Onboarded({ models }: { models: readonly OnboardedModel[] }) {
  const names = [...new Set(models.map(({ model_uri, model_id }) => model_uri ?? model_id ?? ""))];
  if (names.length === 0) return null;
  return <Line word="Onboarded models, kept" ids={names} />;
}

function Line({ word, ids, none }: { word: string; ids: readonly string[]; none?: ReactNode }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>
        {ids.map((id) => (
          <code key={id}>{id}</code>
        ))}
        {ids.length === 0 && none}
      </dd>
    </div>
  );
}
