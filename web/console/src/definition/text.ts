/** A definition as text, and where in it something stands. */

import { isObject, type Json, type Members, print } from "../api/json";
import { isFault, readText, type TextFault } from "../api/jsonText";

export type Language = "json" | "yaml";

export interface Read {
  document: Members;
  /** Where the value at each JSON pointer begins in the text. */
  places: Map<string, number>;
}

export const printJson = (document: Members): string => `${print(document)}\n`;

export function readJson(text: string): Read | TextFault {
  const read = readText(text);
  return isFault(read) ? read : asDefinition(read.value, read.places);
}

export function asDefinition(value: Json, places: Map<string, number>): Read | TextFault {
  if (isObject(value)) return { document: value, places };
  return { message: "A definition is an object: { … }", line: 1, column: 1 };
}
