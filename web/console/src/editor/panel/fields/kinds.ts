/** Fields that many parts of a definition have. */

import type { Option, Param } from "../../../forms/param";

const YEAR_SECONDS = 366 * 86_400;

export const choices = (...values: string[]): Option[] =>
  values.map((value) => ({ value, label: value.replaceAll("_", " ") }));

export const seconds = (name: string, label: string, description: string, min = 1): Param => ({
  name,
  label,
  type: "number",
  description,
  validation: { min, max: YEAR_SECONDS },
});

export const count = (
  name: string,
  label: string,
  description: string,
  min: number,
  max: number,
): Param => ({
  name,
  label,
  type: "number",
  whole: true,
  description,
  validation: { min, max },
});
