/** The theme: the system's, until somebody chooses one. `first.js` sets it before the first paint. */

import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";
export type Choice = Theme | "system";

const KEY = "console-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function stored(): Choice {
  try {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : "system";
  } catch {
    return "system";
  }
}

let choice = stored();

function themeOf(chosen: Choice): Theme {
  return chosen === "system" ? (system.matches ? "dark" : "light") : chosen;
}

function apply(): void {
  document.documentElement.dataset.theme = themeOf(choice);
  for (const listener of listeners) listener();
}

export function choose(wanted: Choice): void {
  choice = wanted;
  try {
    if (wanted === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, wanted);
  } catch {
    // It holds for this page, then.
  }
  apply();
}

system.addEventListener("change", apply);
// Another tab has chosen.
addEventListener("storage", (event) => {
  if (event.key === KEY) {
    choice = stored();
    apply();
  }
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useChoice = (): Choice => useSyncExternalStore(subscribe, () => choice);
export const useTheme = (): Theme => useSyncExternalStore(subscribe, () => themeOf(choice));
