/** A definition as a file. */

import { get } from "../api/client";
import type { Members } from "../api/json";
import type { Pipeline } from "../api/types";
import { writeDefinition } from "../definition/formats";
import type { Language } from "../definition/text";
import { announce } from "../parts/announce";

interface Named {
  id: string;
  name: string;
}

export async function exportAs(pipeline: Named, language: Language): Promise<void> {
  try {
    const { dag } = await get<Pipeline>(`/pipelines/${pipeline.id}`);
    const text = await writeDefinition((dag ?? {}) as Members, language);
    save(`${fileName(pipeline.name)}.${language}`, text, `application/${language}`);
  } catch (error) {
    announce(`It could not be exported: ${(error as Error).message}`, { failed: true });
  }
}

/** A name that is one on every system. */
const fileName = (name: string): string =>
  name
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")
    .replaceAll(/^[-.]+|-+$/g, "")
    .slice(0, 100) || "pipeline";

function save(name: string, text: string, type: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
