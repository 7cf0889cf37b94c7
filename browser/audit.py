"""What a page is judged by beside its complaints: accessibility, and its width on a phone."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from browser.console import AXE

GRAVE = frozenset({"serious", "critical"})
#: While these are there a page is not yet what it is going to be.
UNFINISHED = "main :is(.loading, .skeleton, .graph:empty, [aria-busy=true])"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def settle(page: Page) -> None:
    """Wait until a page shows what it was opened for."""
    expect(page.locator("main :is(h1, h2)").first).to_be_visible()
    expect(page.locator(UNFINISHED)).to_have_count(0)


def barriers(page: Page) -> list[str]:
    """What keeps somebody out, as axe-core finds it: the rule, and the elements."""
    if page.evaluate("typeof axe === 'undefined'"):
        # Not as a script of the page, whose policy allows none but its own.
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [_told(rule) for rule in found["violations"] if rule["impact"] in GRAVE]


def _told(rule: dict[str, Any]) -> str:
    nodes = "; ".join(f"{node['target']} {node['failureSummary']}" for node in rule["nodes"])
    return f"{rule['impact']} {rule['id']}: {nodes}"


def overflow(page: Page) -> int:
    """By how many pixels a page is wider than what one sees of it."""
    return int(page.evaluate(WIDER))
