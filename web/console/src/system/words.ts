/** Settings, rules and quotas in words. */

import { print } from "../api/json";
import type { InstallationReport, Quotas, Retention, System } from "../api/types";

export type Setting = System["settings"][number];

export const writtenValue = ({ value }: Setting): string =>
  value === null || value === undefined
    ? "not set"
    : typeof value === "string"
      ? value
      : print(value);

/** Settings that have the words in their names, values or descriptions; *changed*: only those that somebody set. */
export function sought(settings: readonly Setting[], words: string, changed: boolean): Setting[] {
  const all = words.toLowerCase().split(/\s+/);
  return settings.filter((setting) => {
    const said = [setting.name, writtenValue(setting), setting.description ?? ""];
    const text = said.join(" ").toLowerCase();
    return (!changed || !setting.is_default) && all.every((word) => text.includes(word));
  });
}

export type Check = InstallationReport["checks"][number];

/** What is wrong, then what is worth a look, then the rest. */
export function byUrgency(checks: readonly Check[]): Check[] {
  const urgency = ({ is_well, what_to_do }: Check) => (is_well ? (what_to_do ? 1 : 2) : 0);
  return [...checks].sort((one, other) => urgency(one) - urgency(other));
}

/** `database_clock` as people write it: `Database clock`. */
export function titleOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

type Rule = Pick<
  Retention["rules"][number],
  "pipeline" | "owner" | "status" | "days" | "keep_last"
>;

/** Which executions a rule is about: `nightly of ada, FAILED`. */
export function subjectOf({ pipeline, owner, status }: Rule): string {
  const whose = [pipeline ?? "", owner ? `of ${owner}` : ""].filter(Boolean).join(" ");
  return [whose || "all", ...(status ?? [])].join(", ");
}

export function keptFor({ days, keep_last }: Rule): string {
  const kept = [
    days === null ? "" : `${days} ${days === 1 ? "day" : "days"}`,
    keep_last === null ? "" : `the last ${keep_last}`,
  ].filter(Boolean);
  return kept.join(", and ") || "for ever";
}

export type Quota = Quotas["quotas"][number];

/** Between 0 and 1; null where there is no limit. */
export const shareOf = ({ used, limit }: Quota): number | null =>
  limit === null ? null : Math.min(1, limit === 0 ? 1 : Number(used) / Number(limit));

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

export function amountOf(name: string, count: number | null): string {
  if (count === null) return "no limit";
  if (!name.endsWith("_bytes")) return count.toLocaleString("en-GB");
  const power = count < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`;
}
