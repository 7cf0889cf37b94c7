"""The stand-ins' own routes: their switches and their journal."""

from __future__ import annotations

import json
from typing import Any

from pipeline_engine.demo.peers.behaviour import UnknownSwitch
from pipeline_engine.demo.peers.calls import Answer, Call, ok, unusable
from pipeline_engine.demo.peers.routes.endpoints import all_endpoints
from pipeline_engine.demo.peers.services import Services


def control(services: Services, call: Call) -> Answer:
    """``POST /control``: set switches, in a JSON body or as a query."""
    asked = {name: _switch(text) for name, text in call.query.items()}
    switches = {**asked, **call.body}
    try:
        services.obey(services.behaviour.changed(switches))
    except UnknownSwitch as error:
        return unusable(str(error))
    return ok(switches)


def read_journal(services: Services, _: Call) -> Answer:
    """``GET /journal``: every job, every event, every call that wrote, and what is stored."""
    tables = services.world.all("table")
    facts = {"tables": tables, "there": _there(services), "deleted": _deleted(services)}
    return ok({**services.journal.as_json(), **facts})


def _there(services: Services) -> dict[str, Any]:
    """What was made and is not deleted, by its noun."""
    endpoints = [one for one in all_endpoints(services) if one["status"] != "failure"]
    return {
        "endpoints": endpoints,
        "profiles": [*services.world.all("profile").values()],
        "deployments": [*services.world.all("guardrail").values()],
    }


def _deleted(services: Services) -> dict[str, list[dict[str, Any]]]:
    """What was deleted, by its noun; endpoints are deleted by jobs."""
    kinds = {"profiles": "profile", "deployments": "guardrail"}
    return {noun: services.world.gone(kind) for noun, kind in kinds.items()}


def _switch(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


ROUTES = (
    ("POST", r"/control", control),
    ("GET", r"/journal", read_journal),
)
