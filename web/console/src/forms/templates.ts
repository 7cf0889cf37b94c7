/** Completion of names in templates: what is being typed, and what takes its place. */

export interface Completion {
  /** As it is written between the braces: `params.region`, `steps["a-b"].outputs.id`. */
  name: string;
  /** What it is, in few words. */
  detail?: string;
}

export interface Place {
  from: number;
  to: number;
  /** What is there already. */
  written: string;
  /** Whether braces stand around it. */
  inside: boolean;
}

const NAME = /[\w.[\]"'-]*$/;
const MOST = 12;

/** The name at the cursor; null where no template is being written. */
export function placeAt(text: string, cursor: number): Place | null {
  const before = text.slice(0, cursor);
  const open = before.lastIndexOf("{{");
  if (open < 0 || before.indexOf("}}", open) >= 0) return null;
  const written = NAME.exec(before.slice(open + 2))?.[0] ?? "";
  return { from: cursor - written.length, to: cursor, written, inside: true };
}

/** The names that go on with, or else hold, what is written; those that begin so come first. */
export function matching(completions: readonly Completion[], written: string): Completion[] {
  const wanted = written.toLowerCase();
  const begin = completions.filter(({ name }) => name.toLowerCase().startsWith(wanted));
  const hold = completions.filter(
    ({ name }) => !name.toLowerCase().startsWith(wanted) && name.toLowerCase().includes(wanted),
  );
  const found = [...begin, ...hold].filter(({ name }) => name !== written);
  return found.slice(0, MOST);
}

/** The text with a name at a place, and where the cursor stands then; braces are closed. */
export function completed(text: string, place: Place, name: string): [string, number] {
  const [before, after] = [text.slice(0, place.from), text.slice(place.to)];
  if (!place.inside) {
    const written = `{{ ${name} }}`;
    return [before + written + after, place.from + written.length];
  }
  const gap = before.endsWith("{{") ? " " : "";
  const closed = after.indexOf("}}");
  const opened = after.indexOf("{{");
  const end = closed >= 0 && (opened < 0 || closed < opened) ? "" : " }}";
  return [before + gap + name + end + after, place.from + gap.length + name.length + end.length];
}
