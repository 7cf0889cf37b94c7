"""Something on every page: pipelines that ran, failed and wait, and all that starts or hears them.

What is sown belongs to whoever sows it; it is sown once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.client import Client, Snapshot, follow

#: Seconds until what is sown has come to where it waits, on a busy machine.
GROWS_WITHIN = 60.0
PLACE = re.compile(r"/([\w-]+)/:\w+")
RUNS = 6


class NothingSown(Exception):
    """A page's address names something of which there is none: see ``browser/seeds.py``."""


def step(step_id: str, action: str, *after: str, **more: Any) -> dict[str, Any]:
    """A step; what is no field of its own is a param."""
    own: dict[str, Any] = {
        name: more.pop(name) for name in ("for_each", "condition", "retry", "name") if name in more
    }
    return {
        "id": step_id,
        "name": own.pop("name", step_id.replace("_", " ").capitalize()),
        "action": action,
        "depends_on": list(after),
        "params": more,
        **own,
    }


EACH_TEST = {"items": "{{ params.tests }}"}
REPORT: dict[str, Any] = {
    "name": "nightly report",
    "description": "Reads what the shops sold, adds it up, and sends it once somebody agrees.",
    "parameters": [
        {"name": "day", "type": "string", "default": "yesterday", "description": "As ISO 8601"},
        {"name": "shops", "type": "array", "default": ["Berlin", "Oslo", "Lyon"]},
        {"name": "ask", "type": "boolean", "default": True},
    ],
    "steps": [
        step("list_shops", "log", message="{{ params.shops | length }} shops"),
        step(
            "read_sales",
            "log",
            "list_shops",
            message="{{ item }}",
            for_each={"items": "{{ params.shops }}"},
        ),
        step("read_prices", "log", "list_shops", message="of {{ params.day }}"),
        step("add_up", "log", "read_sales", "read_prices", message="added up"),
        step("sign_off", "approval", "add_up", message="Send it?", condition="{{ params.ask }}"),
        step("send", "log", "sign_off", message="sent"),
    ],
    "outputs": {"said": "{{ steps.add_up.outputs.message }}"},
}
CLEANUP: dict[str, Any] = {
    "name": "weekly clean-up",
    "description": "Deletes what nobody has asked for in a year.",
    "steps": [
        step("find", "log", message="found 12"),
        step("refuse", "fail", "find", message="<b>backup</b> of 2026-11-27 is missing"),
        step("delete", "log", "refuse", message="deleted"),
    ],
}
REGIONS = ("frankfurt", "stockholm", "dublin", "milan", "oregon", "ohio", "osaka", "seoul")
ARRIVED = 3  #: in so many of them it is up; the others take an hour
ROLLED_OUT = [
    {"region": region, "seconds": 0 if number < ARRIVED else 3600}
    for number, region in enumerate(REGIONS)
]
TESTS = [f"part-{number}" for number in range(1, 25)]
RELEASE: dict[str, Any] = {
    "name": "release to all regions",
    "description": "Tests a version, brings it to each region, and tells everybody.",
    "parameters": [
        {"name": "version", "type": "string", "required": True},
        {"name": "regions", "type": "array", "default": ROLLED_OUT},
        {"name": "tests", "type": "array", "default": TESTS},
    ],
    "steps": [
        step("check_out", "log", message="{{ params.version }}"),
        step("test", "log", "check_out", message="{{ item }}", for_each=EACH_TEST),
        step("scan", "log", "check_out", message="nothing found"),
        step("build", "log", "test", "scan", message="built"),
        step("notes", "log", "check_out", message="12 changes"),
        step(
            "roll_out",
            "delay",
            "build",
            duration_seconds="{{ item.seconds }}",
            for_each={"items": "{{ params.regions }}", "key": "{{ item.region }}"},
        ),
        step(
            "publish_notes",
            "fail",
            "notes",
            message="The wiki answers 503",
            retry={"max_attempts": 6, "backoff_seconds": 600, "retry_on": ["*"]},
        ),
        step("hotfix", "log", "build", message="off", condition="{{ 'rc' in params.version }}"),
        step("smoke_test", "log", "roll_out", message="all well"),
        step("announce", "log", "smoke_test", "publish_notes", message="It is out."),
    ],
}
EVERY = {"type": "cron", "expression": "30 2 * * MON-FRI", "timezone": "Europe/Berlin"}
OFTEN = {"type": "interval", "expression": "@every 15m"}


@dataclass(frozen=True, slots=True)
class Sown:
    """The ids of what there is, by the noun that stands before them in an address."""

    ids: Mapping[str, str]

    def address(self, path: str) -> str:
        """The address of a registered page.  Raises ``NothingSown``."""

        def named(found: re.Match[str]) -> str:
            if found[1] not in self.ids:
                raise NothingSown(path)
            return f"/{found[1]}/{self.ids[found[1]]}"

        return PLACE.sub(named, path)


def sow(client: Client) -> Sown:
    """Make what pages need, and wait until it has come to where it stays."""
    report = str(client.store({**REPORT, "description": "Reads what the shops sold."})["id"])
    client.store(REPORT)
    cleanup = str(client.store(CLEANUP)["id"])
    done = [_start(client, report, ask=False) for _ in range(RUNS)]
    failed, waits = _start(client, cleanup), _start(client, report)
    for ends in (*done, failed):
        _await(client, ends, lambda now: now.status.is_final)
    _await(client, waits, lambda now: any(row.is_parked for row in now.rows))
    release = _release(client)
    ids = {
        "executions": release,
        "waiting": waits,
        "failed": failed,
        "pipelines": report,
        "actions": "http_request",
        "schedules": _schedules(client, report, cleanup),
        "webhooks": _webhook(client, report),
        "subscriptions": _subscription(client, report),
        "guardrails": _workflow(client),
    }
    trigger = _trigger(client, cleanup)
    return Sown({**ids, "event-triggers": trigger, "triggers": trigger})


def _release(client: Client) -> str:
    """One that has come half of the way: done, parked, trying again, waiting and skipped."""
    pipeline = str(client.store(RELEASE)["id"])
    execution = _start(client, pipeline, version="2.8.0")
    _await(client, execution, _has_come_half_of_the_way)
    return execution


def _has_come_half_of_the_way(now: Snapshot) -> bool:
    items = now.step("roll_out").items
    parked = sum(item.is_parked for item in items)
    return parked == len(REGIONS) - ARRIVED and now.step("publish_notes").attempt > 0


def _start(client: Client, pipeline: str, **params: Any) -> str:
    return str(client.start(pipeline, params)["execution_id"])


def _await(client: Client, execution: str, is_there: Callable[[Snapshot], bool]) -> None:
    ends_at = time.monotonic() + GROWS_WITHIN
    for snapshot in follow(client, execution):
        if is_there(snapshot):
            return
        if time.monotonic() > ends_at:
            break
    raise NothingSown(f"{execution} has not come there within {GROWS_WITHIN:g} s")


def _schedules(client: Client, report: str, cleanup: str) -> str:
    wanted = {"pipeline_id": report, "name": "on working days", "schedule": EVERY}
    made = client.schedules.create({**wanted, "params": {"ask": False}})
    often = {"pipeline_id": cleanup, "name": "every quarter of an hour", "schedule": OFTEN}
    client.schedules.pause(str(client.schedules.create(often)["id"]))
    return str(made["id"])


def _webhook(client: Client, report: str) -> str:
    config = {"accepts": ["hub"], "map": {"day": "{{ body.day }}"}}
    made = client.webhooks.create(pipeline_id=report, name="sales are complete", config=config)
    return str(made["id"])


def _trigger(client: Client, cleanup: str) -> str:
    config = {"event_type": "disk.full", "filters": {"severity": "high"}}
    made = client.create_event_trigger(pipeline_id=cleanup, name="disk is full", config=config)
    return str(made["id"])


def _subscription(client: Client, report: str) -> str:
    made = client.subscriptions.create(
        {
            "name": "reports to the team",
            "pipeline_id": report,
            "event_types": ["workflow_completed", "workflow_failed"],
            "target": {"type": "http", "url": "https://hooks.example/reports"},
        }
    )
    return str(made["id"])


def _workflow(client: Client) -> str:
    made = client.guardrails.begin(provider_type="bud_sentinel", provider_id="provider-1")
    return str(made["workflow_id"])
