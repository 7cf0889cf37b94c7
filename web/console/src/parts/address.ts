/** What an address says of a list; what makes no sense counts as not there. */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function pipelineOf(query: URLSearchParams): string | null {
  const id = query.get("pipeline") ?? "";
  return UUID.test(id) ? id : null;
}

/** One of the words that are known. */
export function wordOf<Word extends string>(
  query: URLSearchParams,
  name: string,
  known: readonly Word[],
): Word | null {
  const word = query.get(name);
  return known.find((one) => one === word) ?? null;
}

/** A path with its query; what is null is left out. */
export function pathWith(path: string, query: Record<string, string | number | null>): string {
  const given = Object.entries(query).filter(([, value]) => value !== null);
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** Where a text may lead: only to pages of the web. */
export function webAddress(text: string | null | undefined): string | null {
  try {
    const { protocol, href } = new URL(text ?? "");
    return protocol === "https:" || protocol === "http:" ? href : null;
  } catch {
    return null;
  }
}

/** The page that an address names: 1 if it names none, or nonsense. */
export function pageOf(query: URLSearchParams): number {
  const page = Number(query.get("page"));
  return Number.isInteger(page) && page > 0 ? page : 1;
}
