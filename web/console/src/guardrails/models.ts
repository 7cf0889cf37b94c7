/** The models that the rules need, in words: how each stands, and what has to be done for it. */

import type { ModelStatus } from "../api/types";
import { type State, stateIn } from "../states";

const STATES: Record<string, State> = {
  not_onboarded: { word: "Not onboarded", look: "waiting", icon: "dot" },
  onboarded: { word: "Onboarded", look: "done", icon: "check" },
  running: { word: "Running", look: "done", icon: "play" },
  unhealthy: { word: "Unhealthy", look: "retrying", icon: "retry" },
  deploying: { word: "Deploying", look: "running", icon: "play" },
  pending: { word: "Pending", look: "waiting", icon: "clock" },
  failure: { word: "Failure", look: "failed", icon: "cross" },
  deleting: { word: "Deleting", look: "waiting", icon: "stop" },
};

export const stateOfModel = ({ status }: ModelStatus): State => stateIn(STATES, status);

/** What the workflow will do for a model; once it is completed, what it has done. */
export function toDo(model: ModelStatus, isDone = false): string {
  if (isDone) return model.requires_deployment ? "deployed" : "used as it was";
  if (model.requires_onboarding) return "onboard, then deploy";
  if (model.requires_deployment) return model.status === "onboarded" ? "deploy" : "deploy anew";
  return model.show_warning ? "nothing: it is used, though unhealthy" : "nothing: it is used";
}

/** `3 models: 2 to onboard, 3 to deploy`; once that is done, `3 models: 3 deployed`. */
export function summed(models: readonly ModelStatus[], isDone = false): string {
  if (models.length === 0) return "No rule needs a model";
  const count = (test: (model: ModelStatus) => boolean) => models.filter(test).length;
  const parts = [
    [isDone ? 0 : count(({ requires_onboarding }) => requires_onboarding), "to onboard"],
    [count(({ requires_deployment }) => requires_deployment), isDone ? "deployed" : "to deploy"],
    [count(({ can_reuse }) => can_reuse), "in use as they are"],
  ] as const;
  const said = parts.filter(([many]) => many > 0).map(([many, word]) => `${many} ${word}`);
  return `${models.length === 1 ? "1 model" : `${models.length} models`}: ${said.join(", ")}`;
}
