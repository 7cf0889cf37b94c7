/** A definition as text: as somebody has written it, and as a file. */

import type { Members } from "../api/json";
import type { TextFault } from "../api/jsonText";
import { type Language, printJson, type Read, readJson } from "./text";

/** YAML is for people: what reads and writes it is loaded when somebody asks for it. */
const yaml = () => import("./yaml");

export async function readDefinition(text: string): Promise<Read | TextFault> {
  return /^\s*[{[]/.test(text) ? readJson(text) : (await yaml()).readYaml(text);
}

export async function writeDefinition(dag: Members, language: Language): Promise<string> {
  return language === "json" ? printJson(dag) : (await yaml()).printYaml(dag);
}
