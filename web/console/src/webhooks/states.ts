/** How webhooks stand, and what became of what they let in, in words. */

import { type State, stateIn } from "../states";

export const OUTCOMES = ["pending", "started", "refused", "duplicate"] as const;

const OUTCOME: Record<string, State> = {
  pending: { word: "Pending", look: "running", icon: "clock" },
  started: { word: "Started", look: "done", icon: "check" },
  refused: { word: "Refused", look: "failed", icon: "cross" },
  duplicate: { word: "Duplicate", look: "waiting", icon: "retry" },
};

export const stateOfDelivery = (outcome: string): State => stateIn(OUTCOME, outcome);

/** How a sender proves that it knows the secret. */
export const FORMS = [
  ["secret", "the secret itself, in X-Webhook-Secret"],
  ["standard", "Standard Webhooks"],
  ["hub", "X-Hub-Signature-256, as GitHub"],
] as const;
