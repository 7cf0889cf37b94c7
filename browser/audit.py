"""What a page is judged by beside its complaints: accessibility, and its width on a phone."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from browser.console import AXE

GRAVE = frozenset({"serious", "critical"})
#: Resolves in the very frame in which a page shows what it was opened for; Playwright's own waiting
#: looks once a second.  Until then a heading is missing, or something says that more is to come.
SETTLED = """(patience) => new Promise((resolve, reject) => {
  const unfinished = "main :is(.loading, .skeleton, .graph:empty, [aria-busy=true])";
  const begun = performance.now();
  const look = () => {
    const heading = document.querySelector("main :is(h1, h2)");
    const open = document.querySelector(unfinished);
    if (heading?.checkVisibility() && !open) return resolve();
    if (performance.now() - begun < patience) return requestAnimationFrame(look);
    reject(new Error(`${location}: ${open ? open.outerHTML.slice(0, 200) : "no heading"}`));
  };
  look();
})"""
#: Milliseconds, on a machine that does five other things.
PATIENCE = 30_000
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: The rules that see colours: all others find the same in each theme.
OF_COLOURS = ("color-contrast", "link-in-text-block")


def settle(page: Page) -> None:
    """Wait until a page shows what it was opened for."""
    page.evaluate(SETTLED, PATIENCE)


def barriers(page: Page, *rules: str) -> list[str]:
    """What keeps somebody out, as axe-core finds it by these rules, or by all."""
    if page.evaluate("typeof axe === 'undefined'"):
        # Not as a script of the page, whose policy allows none but its own.
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [_told(rule) for rule in found["violations"] if rule["impact"] in GRAVE]


def _told(rule: dict[str, Any]) -> str:
    nodes = "; ".join(f"{node['target']} {node['failureSummary']}" for node in rule["nodes"])
    return f"{rule['impact']} {rule['id']}: {nodes}"


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than what one sees of it."""
    return int(page.evaluate(WIDER))
