/** How often a page does what news ask for: seldom, together, and only while somebody looks. */

/** Milliseconds between two paints of news. */
const PAINT = 500;

/** Run *begin* while the tab is seen: one that is hidden paints nothing and holds no connection. */
export function whileVisible(begin: (again: boolean) => () => void): () => void {
  let stop: (() => void) | null = null;
  let again = false;
  const look = () => {
    if (document.hidden) {
      stop?.();
      stop = null;
    } else {
      stop ??= begin(again);
      again = true;
    }
  };
  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    document.removeEventListener("visibilitychange", look);
    stop?.();
  };
}

/** Gather what comes, and hand it on twice a second at most; what is left, at the end. */
export function batches<T>(hand: (batch: T[]) => void) {
  let batch: T[] = [];
  const pass = seldom(
    () => PAINT,
    () => {
      if (batch.length > 0) hand(batch);
      batch = [];
    },
  );
  return {
    add(one: T) {
      batch.push(one);
      pass.run();
    },
    stop: pass.finish,
  };
}

/** Do it now, but not more often than each *pause*: what comes meanwhile makes it happen once more. */
export function seldom(pause: () => number, act: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = Number.NEGATIVE_INFINITY;
  return {
    run() {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          last = performance.now();
          act();
        },
        Math.max(0, last + pause() - performance.now()),
      );
    },
    /** What was still to be done is done now. */
    finish() {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      act();
    },
  };
}
