"""What the tabulator key offers: executions, pipelines, schedules and the like that exist.

Somebody waits for each answer, so this asks with the standard library alone (a client of the whole
API takes longer to load than completion may take), for a second at most, and says nothing when the
API does not answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from pipeline_engine.cli.connection import meant
from pipeline_engine.cli.naming import LAST, NEWEST, NewestExecutions
from pipeline_engine.errors import ExecutionNotFound

TIMEOUT_SECONDS = 1.0
#: Names without characters that are special to a shell, which inserts an offer as it is.
HARMLESS = re.compile(r"[\w.@+-][\w.@+:/-]*", re.ASCII)


def executions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer ``@last`` and the newest executions by their ids."""
    newest = CompletionItem(LAST, help="the newest execution")
    found = [newest, *(_an_execution(one) for one in _newest(ctx))]
    return [item for item in found if item.value.startswith(incomplete)]


def pipelines(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer stored pipelines by name, or by id if a shell would misread the name."""
    stored = _asked(ctx, "pipelines?include_system=true&include_dag=false&page_size=500") or []
    return [_a_pipeline(one) for one in stored if _a_pipeline(one).value.startswith(incomplete)]


def pipelines_and_files(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer stored pipelines and what the shell itself knows of files."""
    return [*pipelines(ctx, param, incomplete), CompletionItem(incomplete, type="file")]


def steps(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the steps of the execution that the line names."""
    word = str(ctx.params.get("execution") or LAST)
    try:
        wanted = NewestExecutions(_newest(ctx)).id_of(word)
    except ExecutionNotFound:
        return []
    answer = _asked(ctx, f"executions/{wanted}/steps?include_outputs=false") or {}
    return [
        CompletionItem(one["step_id"], help=f"{one['handler_type']}, {one['status'].lower()}")
        for one in answer.get("steps", ())
        if one["step_id"].startswith(incomplete)
    ]


def schedules(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer schedules by name, or by id if a shell would misread the name."""
    answer = _asked(ctx, "schedules?page_size=500") or {}
    found = [_a_schedule(one) for one in answer.get("schedules", ())]
    return [item for item in found if item.value.startswith(incomplete)]


def secrets(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of stored secrets."""
    answer = _asked(ctx, "secrets?page_size=100") or {}
    names = (one["name"] for one in answer.get("secrets", ()))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def triggers(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer event triggers by name, or by id if a shell would misread the name."""
    found = [_named(one) for one in _asked(ctx, "event-triggers?page_size=500") or []]
    return [item for item in found if item.value.startswith(incomplete)]


def subscriptions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer subscriptions by name, or by id where a shell would misread the name, or none is."""
    answer = _asked(ctx, "subscriptions?page_size=100") or {}
    known = ((one["name"] or "", one["id"]) for one in answer.get("subscriptions", ()))
    words = (name if HARMLESS.fullmatch(name) else its_id for name, its_id in known)
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def webhooks(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer webhooks by name, or by id if a shell would misread the name."""
    found = [_named(one) for one in _asked(ctx, "webhooks?page_size=500") or []]
    return [item for item in found if item.value.startswith(incomplete)]


def actions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the installed actions."""
    answer = _asked(ctx, "actions") or {}
    found = (CompletionItem(one["type"], help=one["name"]) for one in answer.get("actions", ()))
    return [item for item in found if item.value.startswith(incomplete)]


def _an_execution(one: Mapping[str, Any]) -> CompletionItem:
    name = one["pipeline_definition"]["workflow_name"]
    return CompletionItem(one["id"], help=_said(f"{name}, {one['status'].lower()}"))


def _a_pipeline(one: Mapping[str, Any]) -> CompletionItem:
    name = str(one["name"])
    if HARMLESS.fullmatch(name):
        return CompletionItem(name, help=f"revision {one['revision']}")
    return CompletionItem(one["id"], help=_said(name))


def _named(one: Mapping[str, Any]) -> CompletionItem:
    name = str(one["name"])
    if HARMLESS.fullmatch(name):
        return CompletionItem(name)
    return CompletionItem(one["id"], help=_said(name))


def _a_schedule(one: Mapping[str, Any]) -> CompletionItem:
    name = str(one["name"])
    if HARMLESS.fullmatch(name):
        return CompletionItem(name, help=_said(one["in_words"]))
    return CompletionItem(one["id"], help=_said(name))


def _said(words: str) -> str:
    """*words* for one line of a shell's list."""
    return "".join(c if c.isprintable() else " " for c in words)


def _newest(ctx: click.Context) -> list[Mapping[str, Any]]:
    answer = _asked(ctx, f"executions?page_size={NEWEST}") or {}
    return list(answer.get("executions", ()))


def _asked(ctx: click.Context, path: str) -> Any:
    """The API's answer, or None if there is no API, or none that answers soon."""
    from http.client import HTTPException

    try:
        url, token = _address(ctx)
        return _get(url, token, path) if url else None
    except (OSError, HTTPException, ValueError, KeyError):
        return None


def _address(ctx: click.Context) -> tuple[str, str]:
    """The API that the line means, and a token, as ``connection.connect`` reads it."""
    url, token = meant(ctx, "url"), meant(ctx, "token")
    if url:
        return url, token or ""
    # Not by way of the stack: whether it still runs is found out by asking it.
    state = Path(ctx.params.get("directory") or ".pipeline") / "state.json"
    exports = json.loads(state.read_text(encoding="utf-8"))["exports"]
    return exports["PIPELINE_API_URL"], token or exports["PIPELINE_API_TOKEN"]


def _get(url: str, token: str, path: str) -> Any:
    from http.client import HTTPConnection, HTTPSConnection
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_SECONDS)
    try:
        where = f"{parts.path.rstrip('/')}/api/v1/{path}"
        connection.request("GET", where, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return json.loads(response.read()) if response.status == 200 else None
    finally:
        connection.close()
