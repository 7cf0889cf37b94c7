import type { QueryKey } from "@tanstack/react-query";
import { change } from "../api/client";
import { ActButton } from "./ActButton";

/** Enables what is disabled, and the other way round. */
export function EnableButton({
  of: { name, enabled },
  path,
  changes,
}: {
  of: { name: string; enabled: boolean };
  path: string;
  changes: QueryKey[];
}) {
  const word = enabled ? "Disable" : "Enable";
  return (
    <ActButton
      word={word}
      label={`${word} ${name}`}
      act={() => change("PUT", path, { enabled: !enabled })}
      changes={changes}
      said={() => `${name} is ${enabled ? "disabled" : "enabled"}.`}
    />
  );
}
