"""The editor where things go wrong: keys in the wrong place, slow answers, others who write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from support.observing import step
from support.waiting import wait_until

from browser.complaints import Complaints
from pipeline_engine.client import Client
from pipeline_engine.domain.scopes import FAR_REACHING, Scope
from pipeline_engine.embedded.stack import Stack

from .conftest import Visitor
from .test_main_job import field

#: Everything that a page has said of how what is typed is kept, in its order.
HEAR = """() => {
  window.heard = [];
  const hear = () => {
    const said = document.querySelector(".edit-title .saved")?.textContent;
    const word = said?.replace(/ as draft .*/, "");
    if (word && window.heard.at(-1) !== word) window.heard.push(word);
  };
  new MutationObserver(hear).observe(document.body, {subtree: true, childList: true,
    characterData: true});
}"""
#: Keys that take a step away where the canvas has the focus, and only text elsewhere.
TAKING = ("Backspace", "Delete", "Control+Backspace", "Shift+Backspace", "Control+Delete")


def definition(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "parameters": [{"name": "day", "type": "string"}],
        "steps": [
            step("first", "log", message="one"),
            step("middle", "log", "first", message="{{ params.day }}", retry={"max_attempts": 4}),
            step("last", "log", "middle", message="three"),
        ],
    }


@pytest.fixture
def pipeline(ada: Client) -> str:
    return str(ada.store(definition(f"edited {uuid4().hex[:8]}"))["id"])


def card(page: Page, step_id: str) -> Locator:
    return page.locator(f".react-flow__node[data-id={step_id}]")


def publish(page: Page) -> None:
    page.get_by_role("button", name="Publish", exact=True).click()


def is_kept(page: Page) -> None:
    expect(page.get_by_text("Saved as draft")).to_be_visible()


@contextmanager
def silence(page: Page) -> Iterator[None]:
    """The network keeps back what is asked of the API meanwhile."""
    held: list[Route] = []
    is_over = False

    def hold(route: Route) -> None:
        if is_over:
            route.fallback()
        else:
            held.append(route)

    page.route("**/api/**", hold)
    yield
    is_over = True
    for route in held:
        route.continue_()


@contextmanager
def slow(page: Page, address: str, method: str) -> Iterator[Callable[[], None]]:
    """The network keeps such requests back; each call lets the next one go on, when it is there."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == method:
            held.append(route)
        else:
            route.fallback()

    def let_go() -> None:
        wait_until(lambda: page.wait_for_timeout(20) or held, within=30, what="the request")
        held.pop(0).continue_()

    page.route(address, hold)
    yield let_go
    page.unroute(address, hold)


def test_keys_take_steps_only_on_the_canvas_and_undo_brings_all_of_them_back(
    page: Page, pipeline: str
) -> None:
    page.goto(f"/console/pipelines/{pipeline}/edit?step=middle")
    expect(card(page, "middle")).to_be_visible()
    message = field(page, "message")
    elsewhere = (
        message,
        page.get_by_label("Find an action"),
        page.get_by_role("combobox", name="Action"),
        page.get_by_role("button", name="Redo"),
        page.get_by_role("link", name="Document"),
    )
    for place in elsewhere:
        place.focus()
        for key in TAKING:
            page.keyboard.press(key)
    expect(page.locator(".react-flow__node")).to_have_count(3)
    message.fill("another")

    card(page, "middle").focus()
    page.keyboard.press("Backspace")

    expect(card(page, "middle")).to_have_count(0)
    expect(card(page, "last")).to_have_accessible_name("last, Log, after first")
    page.keyboard.press("Control+z")
    expect(card(page, "last")).to_have_accessible_name("last, Log, after middle")
    card(page, "middle").click()
    expect(message).to_have_value("another")
    for _ in range(8):  # what was typed, too; once all is undone it does nothing
        page.keyboard.press("Control+z")
    # It is what the server has only if edges, params and retries are as they were.
    expect(page.get_by_text("Saved · revision 1")).to_be_visible()


def test_what_is_typed_while_a_save_is_slow_is_kept_and_saved_is_said_only_then(
    page: Page, pipeline: str, ada: Client
) -> None:
    page.goto(f"/console/pipelines/{pipeline}/edit?step=middle")
    message = field(page, "message")
    expect(message).to_have_value("{{ params.day }}")
    page.evaluate(HEAR)

    with slow(page, "**/draft", "PUT") as let_go:
        message.fill("before")
        expect(page.get_by_text("Saving…")).to_be_visible()
        message.fill("during")
        let_go()
        expect(page.get_by_text("Not saved yet")).to_be_visible()
        expect(page.get_by_text("Saving…")).to_be_visible()
        let_go()
        is_kept(page)
    assert page.evaluate("heard") == [
        "Not saved yet",
        "Saving…",
        "Not saved yet",
        "Saving…",
        "Saved",
    ]

    with slow(page, f"**/pipelines/{pipeline}", "PUT") as let_go:
        publish(page)
        expect(page.get_by_role("button", name="Publishing…")).to_be_visible()
        message.fill("after")
        let_go()
    expect(page.get_by_text("Draft · revision 2 is published")).to_be_visible()
    is_kept(page)
    page.reload()
    expect(message).to_have_value("after")
    assert ada.pipeline(pipeline)["dag"]["steps"][1]["params"]["message"] == "during"


@pytest.fixture
def tokens_of_erin(stack: Stack) -> list[dict[str, Any]]:
    """Two of one person: one of them is going to be revoked."""
    bootstrap = Client(stack.api_url, stack.api_token)
    rights = sorted(set(Scope) - FAR_REACHING)
    return [bootstrap.create_token("erin", scopes=rights, user_id="erin") for _ in range(2)]


def test_a_session_that_ends_while_one_edits_takes_nothing_away(
    visitor: Visitor,
    complaints: Complaints,
    stack: Stack,
    tokens_of_erin: list[dict[str, Any]],
) -> None:
    first, second = tokens_of_erin
    erin = Client(stack.api_url, second["token"])
    made = erin.store(definition(f"of erin {uuid4().hex[:8]}"))
    editor = f"/console/pipelines/{made['id']}/edit?step=middle"
    with visitor() as context:
        page = context.new_page()
        page.goto(f"/console/sign-in?next={editor.replace('?', '%3F')}")
        page.get_by_label("Token").fill(first["token"])
        page.keyboard.press("Enter")
        message = field(page, "message")
        expect(message).to_be_visible()
        with silence(page):
            message.fill("typed when nobody was signed in")
            Client(stack.api_url, stack.api_token).revoke_token(first["id"])
        dialog = page.get_by_role("dialog", name="Sign in again")
        expect(dialog.get_by_label("Token")).to_be_focused()

        dialog.get_by_label("Token").fill(second["token"])
        page.keyboard.press("Enter")

        is_kept(page)
        expect(message).to_have_value("typed when nobody was signed in")
        publish(page)
        expect(page.get_by_text("Saved · revision 2")).to_be_visible()
    complaints.expect("^401: |status of 401")
    stored = erin.pipeline(made["id"])["dag"]
    assert stored["steps"][1]["params"]["message"] == "typed when nobody was signed in"


def test_two_tabs_and_a_third_writer_lose_nothing_of_each_other(
    page: Page, pipeline: str, ada: Client, complaints: Complaints
) -> None:
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"/console/pipelines/{pipeline}/edit?step=middle")
        expect(card(tab, "middle")).to_be_visible()
    field(page, "message").fill("of the first tab")
    is_kept(page)

    field(other, "name").fill("Of the second tab")
    draft = other.get_by_label("The other draft")
    expect(draft).to_contain_text("of the first tab")
    complaints.expect("^412: PUT .*/draft|status of 412")
    draft.get_by_role("button", name="Keep this one").click()
    is_kept(other)
    publish(page)
    expect(page.get_by_text("Saved · revision 2")).to_be_visible()
    expect(page.get_by_label("The other draft")).to_contain_text("Of the second tab")
    publish(other)

    theirs = other.get_by_label("Revision 2")
    expect(theirs).to_contain_text("published by")
    expect(theirs).to_contain_text("of the first tab")
    expect(theirs).to_contain_text("Of the second tab")
    third = ada.pipeline(pipeline)["dag"]
    third["description"] = "Of the third"
    ada.store(third)
    theirs.get_by_role("button", name="Publish mine over it").click()
    newest = other.get_by_label("Revision 3")
    expect(newest).to_contain_text("Of the third")
    newest.get_by_role("button", name="Take theirs of description").click()
    newest.get_by_role("button", name="Publish mine over it").click()
    expect(other.get_by_text("Saved · revision 4")).to_be_visible()

    complaints.expect("^412: |status of 412")
    stored = ada.pipeline(pipeline)["dag"]
    assert (stored["description"], stored["steps"][1]["name"]) == (
        "Of the third",
        "Of the second tab",
    )
