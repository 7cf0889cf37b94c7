import { useEffect, useMemo, useState } from "react";
import { type Arrangement, arranged } from "./layout";
import type { Node, Size } from "./nodes";

/** To lay out so many nodes takes less time than to begin a worker. */
const AT_ONCE = 40;

/** Where the nodes are drawn; null until that is known. */
export function useArrangement(nodes: Node[], canvas: Size): Arrangement | null {
  const few = nodes.length <= AT_ONCE;
  const atOnce = useMemo(() => (few ? arranged(nodes, canvas) : null), [few, nodes, canvas]);
  const [later, setLater] = useState<Arrangement | null>(null);
  useEffect(() => {
    if (few) return;
    const worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Arrangement>) => setLater(data);
    worker.postMessage({ nodes, canvas });
    return () => worker.terminate();
  }, [few, nodes, canvas]);
  return atOnce ?? later;
}
