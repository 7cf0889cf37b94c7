"""What can be done with a mouse can be done without one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from support.observing import Run, parked, step

from pipeline_engine.client import Client

#: More stops than these nobody has the patience for.
STOPS = 40
#: What has the focus, by its own name or the one that its label gives it.
FOCUSED = """(({activeElement: it}) =>
  it.ariaLabel || it.labels?.[0]?.textContent || it.textContent)(document)"""


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


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def write(page: Page, text: str) -> None:
    """In place of what stands in the field that has the focus."""
    press(page, "Control+a")
    page.keyboard.type(text)


def add(page: Page, action: str, step_id: str) -> None:
    """From the palette; the step has the focus then, and is called so."""
    press(page, "/")
    write(page, action)
    press(page, "Enter")
    expect(page.locator(".react-flow__node:focus")).to_be_visible()
    press(page, "Enter")
    expect(page.get_by_label("Id", exact=True)).to_be_focused()
    write(page, step_id)
    press(page, "Enter")
    expect(page).to_have_url(re.compile(f"step={step_id}(&|$)"))


def back_to(page: Page, step_id: str) -> None:
    """From the form of a step to the step itself."""
    press(page, "Escape")
    expect(page.locator(f".react-flow__node[data-id={step_id}]")).to_be_focused()


def test_a_pipeline_is_built_connected_published_run_and_approved_without_a_mouse(
    page: Page,
) -> None:
    build(page)
    connect(page)
    press(page, "/", "Shift+Tab", "Enter")  # what comes before the palette is "Publish"
    expect(page.get_by_text("Saved · revision 2")).to_be_visible()
    run(page)
    approve(page)


def build(page: Page) -> None:
    """Two steps that do not know of each other, and a param."""
    page.goto("/console/pipelines/new")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("built by keys")
    press(page, "Enter")
    expect(page.get_by_role("heading", name="No steps yet")).to_be_visible()
    tab_to(page, "^Params$")
    press(page, "Enter")
    tab_to(page, "^Add a param$")
    press(page, "Enter")

    add(page, "Log", "tell")
    tab_to(page, "^Message")
    write(page, "{{ params.param }}")
    back_to(page, "tell")
    press(page, "Escape")  # nothing is chosen: what comes next begins at once
    add(page, "Approval", "ask")
    tab_to(page, "^Message")
    write(page, "Go on?")
    back_to(page, "ask")


def connect(page: Page) -> None:
    """One line, and none back."""
    ask = page.locator(".react-flow__node[data-id=ask]")
    press(page, "ArrowLeft", "c")
    page.keyboard.type("ask")
    press(page, "Enter")
    expect(ask).to_have_accessible_name(re.compile("after tell"))
    press(page, "ArrowRight", "c", "Enter")
    said = page.locator(".announcements")
    expect(said).to_contain_text("That would be a circle: tell → ask → tell.")
    press(page, "Escape")
    expect(ask).to_be_focused()


def run(page: Page) -> None:
    """From the form of the pipeline."""
    press(page, "Control+k")
    expect(page.get_by_label("Page, pipeline, execution or action")).to_be_focused()
    page.keyboard.type("built by keys")
    option = page.locator("[role=option][aria-selected=true]")
    expect(option).to_contain_text("built by keys")
    press(page, "Enter")
    expect(page.get_by_role("link", name="Run…")).to_be_visible()
    tab_to(page, "^Run…$")
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "^param")
    page.keyboard.type("told")
    tab_to(page, "^Run$")
    press(page, "Enter")
    expect(page).to_have_url(re.compile("/console/executions/"))


def approve(page: Page) -> None:
    """In the list of the steps, which says in words what the graph draws."""
    expect(page.get_by_role("link", name="List", exact=True)).to_be_visible()
    tab_to(page, "^List$")
    press(page, "Enter")
    ask = page.get_by_role("table", name="Steps, in the order").get_by_role("row").nth(2)
    expect(ask).to_contain_text("Parked")
    expect(ask).to_contain_text("Log")
    tab_to(page, "^2. ")
    press(page, "Enter")
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    tab_to(page, "^Approve$")
    press(page, "Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "^Approve$")
    press(page, "Enter")
    expect(ask).to_contain_text("Completed")
    expect(page.locator("header").get_by_text("Completed")).to_be_visible()
