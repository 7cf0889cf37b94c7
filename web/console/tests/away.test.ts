import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test } from "vitest";
import { Problem } from "../src/api/client";
import { askAgain, awaySince } from "../src/parts/away";

const unreachable = new Problem(0, "unreachable", "The server cannot be reached.");

/** A page that shows what *ask* tells, with one try. */
async function shown(client: QueryClient, name: string, ask: () => unknown) {
  const observer = new QueryObserver(client, { queryKey: [name], queryFn: ask, retry: false });
  observer.subscribe(() => undefined);
  await observer.refetch();
  return observer;
}

test("the page says since when it is not fresh, of what it shows alone", async () => {
  const client = new QueryClient();
  let trouble: Error | null = null;
  const ask = () => (trouble ? Promise.reject(trouble) : 7);
  const page = await shown(client, "page", ask);
  const at = page.getCurrentResult().dataUpdatedAt;

  expect(awaySince(client.getQueryCache())).toBeNull();
  trouble = unreachable;
  await page.refetch();
  expect(awaySince(client.getQueryCache())).toBe(at);
  trouble = new Problem(403, "insufficient_scope", "No.");
  await page.refetch();
  expect(awaySince(client.getQueryCache())).toBeNull();
});

test("what is asked once only is asked again when the server is there again", async () => {
  const client = new QueryClient();
  let isThere = false;
  let refusals = 0;
  const once = await shown(client, "once", () => (isThere ? 7 : Promise.reject(unreachable)));
  await shown(client, "refused", () => {
    refusals += 1;
    throw new Problem(404, "not_found", "Nothing.");
  });
  isThere = true;

  askAgain(client);

  await expect.poll(() => once.getCurrentResult().data).toBe(7);
  expect(refusals).toBe(1);
});
