/** What a definition says of one of its parameters. */

import type { Param } from "../../../forms/param";
import { choices, count } from "./kinds";

const TYPES = ["string", "integer", "float", "boolean", "array", "object", "json", "secret"];
const REFERENCES = [
  "model",
  "cluster",
  "project",
  "endpoint",
  "provider",
  "credential",
  "cloud_model",
];

export const PARAMETER: Param[] = [
  {
    name: "type",
    label: "Type",
    type: "select",
    default: "string",
    options: choices(...TYPES, ...REFERENCES.map((kind) => `${kind}_ref`)),
  },
  { name: "description", label: "Description", type: "string" },
  { name: "required", label: "Has to be given", type: "boolean", default: true },
  {
    name: "default",
    label: "Default",
    type: "json",
    description: "Has to fit the type and the limits.",
  },
  { name: "enum", label: "Choices", type: "json", placeholder: '["eu", "us"]' },
  { name: "minimum", label: "Smallest", type: "number", group: "Limits" },
  { name: "maximum", label: "Largest", type: "number", group: "Limits" },
  { ...count("min_length", "Shortest", "", 0, 1_000_000_000), group: "Limits" },
  { ...count("max_length", "Longest", "", 0, 1_000_000_000), group: "Limits" },
  { name: "pattern", label: "Pattern", type: "string", group: "Limits" },
  {
    name: "format",
    label: "Format",
    type: "select",
    options: choices(
      "date",
      "date-time",
      "time",
      "duration",
      "email",
      "uri",
      "uuid",
      "ipv4",
      "ipv6",
      "hostname",
    ),
    group: "Limits",
  },
  { name: "items", label: "Each item", type: "json", shape: "object", group: "Inside" },
  { name: "properties", label: "Members", type: "json", shape: "object", group: "Inside" },
];
