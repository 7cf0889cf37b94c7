"""The page of an execution while it happens."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from support.observing import Ledger, Run, step
from support.waiting import wait_until

from pipeline_engine.client import Client


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


def test_it_shows_a_worker_die_and_what_it_did_come_again_until_the_end(
    page: Page, ada: Client, ledger: Ledger
) -> None:
    run = Run.start(
        ada,
        step("first", "log", message="on"),
        step("work", "probe_work", "first", ledger=str(ledger), others=1),
        step("each", "log", "work", message="{{ item }}", for_each={"items": [1, 2, 3]}),
        step("ask", "approval", "each", message="Go on?"),
        name="watched",
    )
    page.goto(f"/console/executions/{run.id}")
    expect(node(page, "work")).to_contain_text("Running")
    node(page, "work").click()
    drawer = page.get_by_label("Step", exact=True)
    expect(drawer.get_by_role("heading", name="work")).to_be_visible()

    kill_who_works(ledger)

    expect(page.get_by_text("1 lost attempt repeated")).to_be_visible()
    let_go_on(ledger)
    expect(node(page, "each")).to_contain_text("3 completed")
    expect(node(page, "ask")).to_contain_text("Parked")
    expect(drawer.get_by_role("heading", name="work")).to_be_visible()
    ada.answer_approval(run.id, approved=True)
    expect(page.locator("header").get_by_text("Completed")).to_be_visible()
    expect(page.locator("header").get_by_text("100 %")).to_be_visible()
