"""Definitions and actions for the tests of the check; written by hand, like a stranger's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.actions import (
    ActionMeta,
    ConditionalVisibility,
    ParamDefinition,
    ParamType,
    SelectOption,
    ValidationRules,
)
from pipeline_engine.domain.checks import CheckReport, check
from pipeline_engine.domain.checks.catalogue import OwnCheck

LOG = ActionMeta(
    type="log",
    name="Log",
    category="Control Flow",
    description="Write a line.",
    params=[
        ParamDefinition("message", "Message", ParamType.TEMPLATE),
        ParamDefinition(
            "level",
            "Level",
            ParamType.SELECT,
            default="info",
            options=[SelectOption("info", "Info"), SelectOption("error", "Error")],
        ),
    ],
)
CONDITIONAL = ActionMeta(
    type="conditional",
    name="Conditional",
    category="Control Flow",
    description="Choose a branch.",
    params=[
        ParamDefinition("branches", "Branches", ParamType.BRANCHES),
        ParamDefinition("condition", "Condition", ParamType.TEMPLATE, default=True),
    ],
    unrendered_params=frozenset({"branches", "condition"}),
)
FETCH = ActionMeta(
    type="fetch",
    name="Fetch",
    category="Integration",
    description="Fetch a page.",
    params=[
        ParamDefinition("url", "URL", required=True, validation=ValidationRules(max_length=20)),
        ParamDefinition(
            "timeout",
            "Timeout",
            ParamType.NUMBER,
            validation=ValidationRules(min=1, max=300),
        ),
        ParamDefinition("retries", "Retries", ParamType.NUMBER, required=True, default=3),
        ParamDefinition(
            "tag",
            "Tag",
            validation=ValidationRules(
                min_length=2, pattern="[a-z]+", pattern_message="must be lower case"
            ),
        ),
        ParamDefinition("follow", "Follow", ParamType.BOOLEAN, default=False),
        ParamDefinition(
            "hops",
            "Hops",
            ParamType.NUMBER,
            required=True,
            show_when=ConditionalVisibility("follow", equals=True),
        ),
    ],
)
SPREAD = ActionMeta(
    type="spread",
    name="Spread",
    category="Control Flow",
    description="Make items.",
)
GOOD: Mapping[str, ActionMeta] = {meta.type: meta for meta in (LOG, CONDITIONAL, FETCH, SPREAD)}
BROKEN: Mapping[str, str] = {"deploy": "No module named 'kubernetes'"}


class Shelf:
    """Four good actions and a broken one."""

    def find(self, action_type: str) -> ActionMeta | None:
        return GOOD.get(action_type)

    def broken_reason(self, action_type: str) -> str | None:
        return BROKEN.get(action_type)

    def fans_out(self, action_type: str) -> bool:
        return action_type == SPREAD.type

    def own_check(self, action_type: str) -> OwnCheck | None:
        return None

    def types(self) -> Collection[str]:
        return GOOD.keys()

    def versions(self, action_type: str) -> list[str]:
        meta = GOOD.get(type_of(action_type))
        return [meta.version] if meta else []

    def choices(self, action_type: str) -> list[str]:
        return self.versions(action_type)

    def taking(self, versions: Mapping[str, str]) -> Shelf:
        return self


def a_step(step_id: str = "a", **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "name": step_id.upper(), "action": "log", **fields}


def a_document(*steps: Any, **fields: Any) -> dict[str, Any]:
    return {"name": "x", "steps": list(steps or [a_step()]), **fields}


def checked(document: object, **options: Any) -> CheckReport:
    return check(document, Shelf(), **options)


def errors(document: object, **options: Any) -> list[tuple[str, str]]:
    """Where, and what."""
    return [(issue.pointer, issue.code) for issue in checked(document, **options).errors]


def messages(document: object, **options: Any) -> list[str]:
    return [issue.message for issue in checked(document, **options).errors]


def warnings(document: object) -> list[tuple[str, str]]:
    return [(issue.pointer, issue.code) for issue in checked(document).warnings]
