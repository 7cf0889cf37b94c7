/** One clock for the page: it ticks while somebody looks, and only while something moves. */

import { useEffect, useState } from "react";
import { serverNow, whenSet } from "../api/clock";

export function useNow(ticking: boolean, every = 1_000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const tick = () => document.hidden || setNow(serverNow());
    tick();
    document.addEventListener("visibilitychange", tick);
    const stop = whenSet(tick);
    const timer = ticking ? setInterval(tick, every) : undefined;
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
      stop();
    };
  }, [ticking, every]);
  return now;
}
