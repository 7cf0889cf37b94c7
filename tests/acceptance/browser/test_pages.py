"""Each page of the console: without complaints, in both themes, for all eyes, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from browser.audit import barriers, overflow, settle
from browser.complaints import Complaints
from browser.console import registered
from browser.seeds import Sown, sow
from pipeline_engine.client import Client

from .conftest import Visitor

#: Beside one address of each page: how pages look that have little to show.
MORE = (
    "/console/system?tab=quotas",
    "/console/actions?tab=marketplace",
    "/console/executions?status=FAILED",
    "/console/executions/{failed}",
    "/console/pipelines/{pipelines}?step=read_sales",
    "/console/pipelines/{pipelines}?tab=revisions",
    "/console/pipelines/{pipelines}?run=1",
    "/console/pipelines/{pipelines}/edit?step=read_sales&tab=each",
    "/console/pipelines/{pipelines}/edit?view=document",
    "/console/nothing-of-the-kind",
)
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="package")
def sown(ada: Client) -> Sown:
    return sow(ada)


@pytest.mark.parametrize("path", [*registered(), *MORE])
def test_a_page_is_for_everybody_in_both_themes_and_on_a_phone(
    page: Page, sown: Sown, path: str
) -> None:
    page.goto(sown.address(path).format_map(sown.ids))
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        settle(page)
        assert barriers(page) == [], theme

    page.set_viewport_size(PHONE)

    settle(page)
    assert overflow(page) <= 0


def test_the_pages_at_the_door_are_for_everybody_too(visitor: Visitor, ada: Client) -> None:
    with visitor(viewport=PHONE) as context:
        page = context.new_page()
        for address in ("/console/sign-in", ada.sign_in_link()):
            page.goto(address)
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                assert barriers(page) == [], (address, theme)
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
