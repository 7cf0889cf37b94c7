/** One clock for the page: it ticks while somebody looks, and only while something moves. */

import { useEffect, useState } from "react";

export function useNow(ticking: boolean, every = 1_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const tick = () => document.hidden || setNow(Date.now());
    tick();
    document.addEventListener("visibilitychange", tick);
    const timer = ticking ? setInterval(tick, every) : undefined;
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, [ticking, every]);
  return now;
}
