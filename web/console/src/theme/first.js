// Runs before the first paint, so that nobody sees the other theme flash by.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("console-theme");
  } catch {
    // Storage may be forbidden; then the system's theme it is.
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen ?? (dark ? "dark" : "light");
})();
