"""What can be done with a mouse can be done without one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from support.observing import Run, parked, step

from pipeline_engine.client import Client

#: More stops than these nobody has the patience for.
STOPS = 40
FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        if re.search(name, page.evaluate(FOCUSED)):
            return
    raise AssertionError(f"{name} is not reached")


@pytest.fixture
def waiting(ada: Client) -> Run:
    run = Run.start(ada, step("wait", "wait_for_event", event_key="never"), name="by keyboard")
    run.until(parked, what="the parked step")
    return run


def test_an_execution_is_found_looked_into_and_cancelled(page: Page, waiting: Run) -> None:
    page.goto("/console/executions")
    expect(page.get_by_role("link", name="by keyboard")).to_be_visible()

    tab_to(page, "Skip to the page")
    page.keyboard.press("Enter")
    tab_to(page, "^by keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="by keyboard")).to_be_visible()

    tab_to(page, "Parked")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("step="))
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("step="))

    page.reload()
    tab_to(page, "^Cancel$")
    page.keyboard.press("Enter")
    tab_to(page, "^Cancel execution$")
    page.keyboard.press("Enter")
    expect(page.locator("header").get_by_text("Interrupted")).to_be_visible()


def test_keys_lead_to_pages_and_names_and_are_text_while_one_types(page: Page) -> None:
    page.goto("/console/now")
    expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()

    page.keyboard.press("g")
    page.keyboard.press("a")
    search = page.get_by_label("Search actions")
    expect(search).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("g n?")
    expect(search).to_have_value("g n?")
    page.keyboard.press("Tab")

    page.keyboard.press("Control+k")
    page.get_by_label("Page, pipeline, execution or action").fill("http_re")
    expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("HTTP Request")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/console/actions/http_request$"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
