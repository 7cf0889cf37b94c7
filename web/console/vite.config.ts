import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const THEME = "src/theme/first.js";

/** Sets the theme before anything is painted. A file, because the page allows no inline script. */
function themeFirst(): Plugin {
  let builds = false;
  return {
    name: "theme-first",
    configResolved({ command }) {
      builds = command === "build";
    },
    buildStart() {
      if (builds) {
        this.emitFile({ type: "asset", name: "theme.js", source: readFileSync(THEME) });
      }
    },
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle }) {
        const built = Object.values(bundle ?? {}).find(
          (file) => file.type === "asset" && file.names.includes("theme.js"),
        );
        const src = `/console/${built?.fileName ?? THEME}`;
        return [{ tag: "script", attrs: { src }, injectTo: "head-prepend" }];
      },
    },
  };
}

export default defineConfig({
  base: "/console/",
  plugins: [react(), themeFirst()],
  build: {
    outDir: "../static/console",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2022",
  },
  // The tests leave nothing behind, so they may share a process: half the time.
  test: { isolate: false },
});
