/** What time it is: by the server's clock where the browser's is wrong, as those of laptops may be. */

/** Milliseconds of difference that are none: answers tell seconds, and take some time. */
const LITTLE = 10_000;
/** An answer that took longer (a machine that slept) tells nothing. */
const QUICK = 5_000;

let ahead = 0;
const listeners = new Set<() => void>();

export const byServer = (at: number): number => at + ahead;

export const serverNow = (): number => byServer(Date.now());

/** Takes in what an answer says (its `Date`), which was *asked* for at that moment. */
export function hear(date: string | null, asked: number): void {
  const [told, now] = [Date.parse(date ?? ""), Date.now()];
  if (Number.isNaN(told) || now - asked > QUICK || now < asked) return;
  const difference = told - (asked + now) / 2;
  const next = Math.abs(difference) < LITTLE ? 0 : difference;
  if (Math.abs(next - ahead) < LITTLE) return;
  ahead = next;
  for (const listener of listeners) listener();
}

/** Calls when it turns out that it is another time. */
export function whenSet(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
