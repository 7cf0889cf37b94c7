"""The main job of the console: a pipeline is built, published, run, watched, approved, and ends."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from support.observing import Ledger
from support.waiting import wait_until


def field(page: Page, name: str) -> Locator:
    """The input of a field of the form, by the name that it has in the definition."""
    return page.locator(f"[data-param='{name}']").locator("input, textarea, select").first


def add(page: Page, action: str, step_id: str, **params: Any) -> None:
    """Add a step behind the chosen one; it is chosen then."""
    palette = page.get_by_label("Actions", exact=True)
    palette.get_by_label("Find an action").fill(action)
    palette.get_by_role("button", name=action, exact=True).click()
    expect(page.get_by_label("Close the step")).to_be_visible()
    field(page, "id").fill(step_id)
    field(page, "id").press("Enter")
    expect(page).to_have_url(re.compile(f"step={step_id}"))
    field(page, "name").fill(step_id)
    for name, value in params.items():
        field(page, name).fill(str(value))


def part(page: Page, word: str) -> None:
    page.get_by_label("Parts of the step").get_by_role("link", name=word, exact=True).click()


def let_go_on(ledger: Ledger) -> None:
    """The work in there waits for one other to have finished."""
    with Path(ledger.path).open("a") as lines:
        lines.write('{"what": "finished"}\n')


def kill_who_works(ledger: Ledger) -> None:
    """Kill the very process that has written that it has begun."""
    wait_until(lambda: ledger.count("started"), within=30, what="the work")
    os.kill(ledger.entries("started")[0]["pid"], signal.SIGKILL)


def node(page: Page, name: str) -> Locator:
    return page.get_by_label("Steps").get_by_role("button", name=name)


def test_eight_steps_are_built_from_the_palette_run_and_survive_a_killed_worker(
    page: Page, ledger: Ledger
) -> None:
    page.goto("/console/pipelines/new")
    page.get_by_label("Name").fill("built by hand")
    page.keyboard.press("Enter")
    page.get_by_label("Parts of the pipeline").get_by_role("link", name="Params").click()
    page.get_by_role("button", name="Add a param").click()

    add(page, "Log", "begin", message="{{ params.param }}")
    add(page, "Log", "branch", message="the other way")
    part(page, "When")
    field(page, "condition").fill("{{ params.param == 'left' }}")
    page.get_by_role("button", name="begin", exact=True).click()
    expect(page).to_have_url(re.compile("step=begin"))
    add(page, "Log", "each", message="{{ item }}")
    part(page, "For each")
    page.get_by_role("button", name="Add For each").click()
    field(page, "items").fill('["a", "b", "c"]')
    add(page, "Work", "work", ledger=ledger, others=1)
    add(page, "Approval", "ask", message="Go on?")
    part(page, "When")
    field(page, "depends_on").select_option("branch")
    field(page, "trigger_rule").select_option("all_done")
    add(page, "Log", "tell", message="told")
    add(page, "Log", "tidy", message="tidied")
    add(page, "Log", "end", message="ended")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Saved · revision 2")).to_be_visible()

    page.get_by_role("link", name="built by hand").click()
    page.get_by_role("link", name="Run…").click()
    field(page, "param").fill("right")
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    expect(page).to_have_url(re.compile("/console/executions/"))

    expect(node(page, "each")).to_contain_text("3 completed")
    expect(node(page, "branch")).to_contain_text("Skipped")
    expect(node(page, "work")).to_contain_text("Running")
    node(page, "work").click()
    drawer = page.get_by_label("Step", exact=True)
    expect(drawer.get_by_role("heading", name="work")).to_be_visible()
    kill_who_works(ledger)
    expect(page.get_by_text("1 lost attempt repeated")).to_be_visible()
    let_go_on(ledger)
    expect(node(page, "ask")).to_contain_text("Parked")
    expect(drawer.get_by_role("heading", name="work")).to_be_visible()
    node(page, "ask").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.locator("header").get_by_text("Completed")).to_be_visible()
    expect(page.locator("header").get_by_text("100 %")).to_be_visible()
