/** `g` and a letter lead to a page. */

import { PAGES } from "../pages";

const LETTERS: Readonly<Record<string, string>> = {
  "/console/now": "n",
  "/console/pipelines": "p",
  "/console/executions": "e",
  "/console/parked": "w",
  "/console/schedules": "s",
  "/console/webhooks": "h",
  "/console/subscriptions": "u",
  "/console/actions": "a",
  "/console/guardrails": "d",
  "/console/system": "y",
};

/** Those that are there. */
export const GOALS = PAGES.flatMap(({ path, word }) => {
  const letter = LETTERS[path];
  return word && letter ? [{ keys: `g ${letter}`, word, path }] : [];
});
