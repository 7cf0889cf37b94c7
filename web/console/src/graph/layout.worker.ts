/** The layout beside the page's own thread, so that the page answers while many steps are placed. */

import { arranged } from "./layout";
import type { Node, Size } from "./nodes";

addEventListener("message", ({ data }: MessageEvent<{ nodes: Node[]; canvas: Size }>) => {
  postMessage(arranged(data.nodes, data.canvas));
});
