"""Definitions for hypothesis: small graphs with every trigger rule, and with ``catch``."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from support.factories import a_document, a_step

CODES = ("x", "y", "timeout")  #: of failures that some step may catch
#: Rules of steps that no caught failure may lead to: they begin before it, or never after it.
NEVER_NEXT = ("one_success", "one_failed", "one_done", "all_failed")
RULES = (
    "none_failed",
    "all_success",
    "all_done",
    "always",
    "all_failed",
    "one_success",
    "one_failed",
    "one_done",
)


@st.composite
def documents(
    draw: st.DrawFn, *, smallest: int = 3, largest: int = 8, **fields: Any
) -> dict[str, Any]:
    """A document whose steps wait for some of the earlier ones, most of them by a rule."""
    steps: list[dict[str, Any]] = []
    for number in range(draw(st.integers(smallest, largest))):
        before = [step["id"] for step in steps]
        width = draw(st.sampled_from([0, 1, 2, 2, 3, 3, 4])) if number > 1 else 0
        wanted = sorted(draw(st.permutations(before))[:width])
        step = a_step(f"s{number}", *wanted, **fields)
        step["trigger_rule"] = draw(st.sampled_from(rules(len(wanted))))
        step["on_failure"] = draw(st.sampled_from(["fail", "fail", "continue", "retry"]))
        if step["on_failure"] == "retry":
            step["retry"] = {"max_attempts": draw(st.integers(1, 3)), "backoff_seconds": 0}
        steps.append(step)
    for step in steps:
        if catch := draw(st.lists(entries(_may_be_next(step, steps)), max_size=2)):
            step["catch"] = catch
    fail_fast = draw(st.sampled_from([False, False, True]))
    return a_document(*steps, settings={"fail_fast": fail_fast})


@st.composite
def entries(draw: st.DrawFn, targets: list[str]) -> dict[str, Any]:
    """An entry of ``catch``, which may lead to some of these steps."""
    found: dict[str, Any] = {"errors": draw(st.sampled_from(["*", *CODES]))}
    if targets and draw(st.booleans()):
        found["next"] = draw(st.lists(st.sampled_from(targets), min_size=1, unique=True))
    return found


def _may_be_next(step: dict[str, Any], steps: list[dict[str, Any]]) -> list[str]:
    waiting = [one for one in steps if step["id"] in one["depends_on"]]
    return [
        one["id"]
        for one in waiting
        if isinstance(one["trigger_rule"], str) and one["trigger_rule"] not in NEVER_NEXT
    ]


def rules(dependencies: int) -> list[Any]:
    """The rules that a step with so many dependencies may have, the default more often."""
    if not dependencies:
        return ["none_failed"]
    some = [{"at_least": n} for n in range(1, dependencies + 1)]
    return ["none_failed", "none_failed", "none_failed", *RULES, *some]
