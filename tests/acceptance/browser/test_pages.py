"""Each page of the console: without complaints, in both themes, for all eyes, on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from browser.audit import OF_COLOURS, barriers, overflow, settle
from browser.complaints import Complaints
from browser.console import registered
from browser.running import USUAL, somebody
from browser.seeds import Sown, sow
from pipeline_engine.client import Client
from pipeline_engine.embedded.stack import Stack

from .conftest import PATIENCE, Visitor

#: Beside one address of each page: what else it can show; one comes there from within.
MORE = (
    "/console/system?tab=quotas",
    "/console/actions?tab=marketplace",
    "/console/executions?status=FAILED",
    "/console/executions/{failed}",
    "/console/executions/{failed}?view=list",
    "/console/pipelines/{pipelines}?step=read_sales",
    "/console/pipelines/{pipelines}?tab=revisions",
    "/console/pipelines/{pipelines}?run=1",
    "/console/pipelines/{pipelines}/edit?step=read_sales&tab=each",
    "/console/pipelines/{pipelines}/edit?view=list",
    "/console/pipelines/{pipelines}/edit?view=document",
    "/console/nothing-of-the-kind",
)
#: As a link of the console does it.
GO = """(address) => {
  history.pushState(null, "", address);
  dispatchEvent(new PopStateEvent("popstate"));
}"""
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="package")
def sown(ada: Client) -> Sown:
    return sow(ada)


@pytest.fixture(scope="module")
def tab(browser: Browser, stack: Stack, signed_in: StorageState) -> Iterator[Page]:
    """Goes from one address to the next: what pages share is fetched and compiled once."""
    with somebody(browser, stack.api_url, storage_state=signed_in) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto("/console/now")
        yield page


@pytest.fixture
def page(tab: Page, complaints: Complaints) -> Iterator[Page]:
    """As somebody finds it who comes in daylight, at a desk."""
    tab.set_viewport_size(USUAL)
    tab.emulate_media(color_scheme="light")
    with complaints.heard_in(tab.context):
        yield tab


@pytest.mark.parametrize("path", registered())
def test_a_page_is_for_everybody_in_both_themes_and_on_a_phone(
    page: Page, sown: Sown, path: str
) -> None:
    page.goto(sown.address(path))

    is_for_everybody(page)


@pytest.mark.parametrize("path", MORE)
def test_what_else_a_page_shows_is_for_everybody_too(page: Page, sown: Sown, path: str) -> None:
    page.evaluate(GO, path.format_map(sown.ids))

    is_for_everybody(page)


def is_for_everybody(page: Page) -> None:
    settle(page)
    assert barriers(page) == []

    page.emulate_media(color_scheme="dark")
    assert barriers(page, *OF_COLOURS) == []

    page.set_viewport_size(PHONE)
    settle(page)
    assert overflow(page) <= 0


def test_the_pages_at_the_door_are_for_everybody_too(visitor: Visitor, ada: Client) -> None:
    with visitor(viewport=PHONE) as context:
        page = context.new_page()
        for address in ("/console/sign-in", ada.sign_in_link()):
            page.goto(address)
            page.emulate_media(color_scheme="light")
            assert barriers(page) == [], address
            page.emulate_media(color_scheme="dark")
            assert barriers(page, *OF_COLOURS) == [], address
            assert overflow(page) <= 0


def test_what_a_page_complains_of_is_heard(page: Page, complaints: Complaints) -> None:
    page.goto("/console/executions")
    settle(page)

    page.evaluate(
        """() => {
          console.error("said aloud");
          setTimeout(() => { throw new Error("thrown in vain") });
          document.body.insertAdjacentHTML("beforeend", "<p style='color: red'>painted</p>");
          const strange = ["/api/v1/nothing", "http://127.0.0.1:9/"];
          return Promise.allSettled(strange.map((address) => fetch(address)));
        }"""
    )

    expect(page.get_by_text("painted")).to_be_visible()
    for pattern in ("said aloud", "thrown in vain", "style", "^404: GET", "status of 404"):
        complaints.expect(pattern)
    complaints.expect("127.0.0.1:9/")
