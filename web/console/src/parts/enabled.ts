/** What can be enabled and disabled: webhooks and event triggers. */

import type { State } from "../states";

const ENABLED: State = { word: "Enabled", look: "done", icon: "check" };
const DISABLED: State = { word: "Disabled", look: "waiting", icon: "stop" };

export const stateOfEnabled = ({ enabled }: { enabled: boolean }): State =>
  enabled ? ENABLED : DISABLED;

/** The choices of a list, as its address has them under `enabled`. */
export const ENABLED_TABS = [
  { value: null, word: "All" },
  { value: "true", word: ENABLED.word },
  { value: "false", word: DISABLED.word },
];

/** Why the engine itself has disabled it. */
export const DISABLED_BECAUSE: Record<string, string> = {
  pipeline_deleted: "its pipeline was deleted",
  pipeline_archived: "its pipeline is archived",
};
