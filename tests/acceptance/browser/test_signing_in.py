"""The door of the console, as a browser goes through it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from support.observing import Run, step

from browser.complaints import Complaints
from pipeline_engine.cli.afterwards import say_where_to_look
from pipeline_engine.client import Client
from pipeline_engine.embedded.stack import Stack

from .conftest import Visitor

FAILED_ONES = "/console/executions?status=FAILED"


@pytest.fixture
def token(stack: Stack) -> dict[str, str]:
    made = Client(stack.api_url, stack.api_token).create_token(
        "of a test", roles=["editor"], user_id="vera"
    )
    return dict(made)


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")


def test_a_token_leads_to_the_page_that_was_wanted_and_sign_out_away_from_all_of_them(
    visitor: Visitor, complaints: Complaints, token: dict[str, str]
) -> None:
    with visitor() as context:
        page = context.new_page()
        page.goto(FAILED_ONES)
        sign_in(page, "pe_wrong")
        expect(page.get_by_role("alert")).to_be_visible()
        complaints.expect("^401: POST .*sign-in|status of 401")

        sign_in(page, token["token"])
        expect(page).to_have_url(re.compile(re.escape(FAILED_ONES) + "$"))
        expect(page.get_by_role("heading", name="Executions", exact=True)).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Token")).to_be_visible()
        page.go_back()

        expect(page.get_by_label("Token")).to_be_visible()


def test_a_link_signs_in_once(visitor: Visitor, complaints: Complaints, ada: Client) -> None:
    link = ada.sign_in_link()
    with visitor() as first, visitor() as second:
        here, there = first.new_page(), second.new_page()
        for page in (here, there):
            page.goto(link)
            page.get_by_role("button", name="Open the console").click()

        expect(here.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        expect(there.get_by_role("alert")).to_be_visible()
        complaints.expect("^401: POST .*sign-in|status of 401")


def test_the_demo_ends_with_a_link_to_the_execution_that_it_ran(
    visitor: Visitor, ada: Client, stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run.start(ada, step("only", "log", message="on"), name="ran in the demo")

    say_where_to_look(stack, stack.directory, run.id)

    (link,) = re.findall(r"^Console  (\S+)$", capsys.readouterr().out, re.M)
    with visitor() as context:
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Open the console").click()
        expect(page.get_by_role("heading", name="ran in the demo")).to_be_visible()


def test_a_session_that_ends_asks_again_and_leads_back(
    visitor: Visitor, complaints: Complaints, token: dict[str, str], stack: Stack, token_of_ada: str
) -> None:
    with visitor() as context:
        page = context.new_page()
        page.goto("/console/sign-in")
        sign_in(page, token["token"])
        expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        page.goto(FAILED_ONES)
        expect(page.get_by_role("heading", name="Executions", exact=True)).to_be_visible()

        typed_into = context.new_page()
        typed_into.goto("/console/guardrails/new")
        typed_into.get_by_label("Type of the provider").fill("bud_sentinel")

        # Somebody comes back to this tab: the page asks again, and learns of it.
        Client(stack.api_url, stack.api_token).revoke_token(token["id"])
        # To leave that page would lose what was typed.
        typed_into.get_by_role("button", name="Begin").click()
        expect(typed_into.get_by_role("dialog", name="Sign in again")).to_be_visible()
        expect(typed_into.get_by_label("Type of the provider")).to_have_value("bud_sentinel")
        page.evaluate("dispatchEvent(new Event('visibilitychange'))")
        sign_in(page, token_of_ada)
        expect(page).to_have_url(re.compile(re.escape(FAILED_ONES) + "$"))

        expect(page.get_by_role("heading", name="Executions", exact=True)).to_be_visible()
        complaints.expect("^401: (GET|POST .*deploy-workflow)|status of 401")
