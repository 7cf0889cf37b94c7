/** The stretch of time that the Gantt shows: all of it, or what somebody has zoomed to. */

export interface Span {
  from: number;
  to: number;
}

/** Shorter stretches than this tell nothing: clocks are not that exact. */
const SHORTEST = 2;

export const shareOf = (at: number, { from, to }: Span): number =>
  Math.min(100, Math.max(0, ((at - from) / (to - from)) * 100));

/** What the address says: `250~1200`, milliseconds since the begin. */
export function zoomed(whole: Span, written: string | null): Span {
  const [, from, to] = /^(\d+)~(\d+)$/.exec(written ?? "") ?? [];
  if (from === undefined || to === undefined) return whole;
  const span = { from: whole.from + Number(from), to: whole.from + Number(to) };
  return span.to - span.from >= SHORTEST ? span : whole;
}

/** The same for the address; null if that is all of it. */
export function written(span: Span, whole: Span): string | null {
  const from = Math.max(whole.from, Math.floor(Math.min(span.from, span.to)));
  const to = Math.max(Math.ceil(Math.max(span.from, span.to)), from + SHORTEST);
  if (from <= whole.from && to >= whole.to) return null;
  return `${from - whole.from}~${to - whole.from}`;
}

/** So much nearer, or with less than 1 farther, around the middle. */
export function scaled({ from, to }: Span, factor: number): Span {
  const [middle, half] = [(from + to) / 2, (to - from) / 2 / factor];
  return { from: middle - half, to: middle + half };
}

export const moved = ({ from, to }: Span, share: number): Span => {
  const by = (to - from) * share;
  return { from: from + by, to: to + by };
};
