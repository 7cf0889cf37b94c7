"""Random definitions of blocks in blocks, whose steps fail, wait, are caught and undone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any

from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import ActionContext, ActionResult
from support.factories import a_block, a_step, an_action

RULES = ("all_success", "all_done", "one_success", "one_failed", "one_done", "all_failed", "always")
DEEPEST = 2
#: What a step may have, and how often of a hundred times it does.
FIELDS: dict[int, dict[str, Any]] = {
    14: {"on_failure": "continue"},
    15: {"condition": "{{ false }}"},
    16: {"catch": [{"errors": "*", "outputs": {}}]},
    20: {"retry": {"max_attempts": 2, "backoff_seconds": 0}},
    21: {"compensate": {"action": "log", "params": {"message": "undone"}}},
}
ACTIONS: tuple[dict[str, Any], ...] = (
    *({"action": "log"},) * 4,
    {"action": "flaky"},
    {"action": "bad"},
    {"action": "parks", "timeout_seconds": 1},
)
LOOPS: tuple[dict[str, Any], ...] = (
    {"while": {"condition": "{{ iteration < 2 }}"}},
    *({"for_each": {"items": [1, 2], "tolerated_failures": n}} for n in (0, 1)),
    *({}, {}),
)


def random_steps(random: Random, depth: int = 0, ids: Iterator[int] | None = None) -> list[Any]:
    """A few steps, some of them blocks, each behind some of those before it."""
    ids = ids or count()
    found: list[dict[str, Any]] = []
    for _ in range(random.randint(1, 4)):
        before = random.sample([s["id"] for s in found], min(len(found), random.choice([0, 1, 2])))
        fields: dict[str, Any] = {"depends_on": before}
        for percent, given in FIELDS.items():
            fields |= given if random.random() < percent / 100 else {}
        if before and random.random() < 0.5:
            fields["trigger_rule"] = random.choice(RULES)
        step_id = f"s{next(ids)}"
        if depth < DEEPEST and random.random() < 0.4:
            loop = random.choice(LOOPS)
            found.append(a_block(step_id, *random_steps(random, depth + 1, ids), **fields, **loop))
        else:
            found.append(a_step(step_id, **random.choice(ACTIONS) | fields))
    return found


def random_actions(random: Random) -> list[RegisteredAction]:
    """One that fails at first, one that always does, and one that waits in vain."""
    tried: set[str] = set()

    def flaky(context: ActionContext) -> ActionResult:
        is_first = context.idempotency_key not in tried
        tried.add(context.idempotency_key)
        return ActionResult(success=not is_first, error="not yet", error_code="flaky")

    def bad(_: ActionContext) -> ActionResult:
        return ActionResult(success=False, error="never", error_code="bad")

    def parks(context: ActionContext) -> ActionResult:
        waits_for = context.idempotency_key
        return ActionResult(success=True, awaiting_event=True, external_workflow_id=waits_for)

    return [
        an_action("flaky", flaky, cheap=True),
        an_action("bad", bad, cheap=random.random() < 0.5),
        an_action("parks", parks, cleanup=lambda _: None),
    ]
