"""The same look in a limited time, for those who wait for an answer: all parts at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from pipeline_engine.services.doctor.checks import Check, Installation, failed
from pipeline_engine.services.looks import Looks

#: Workers are given two seconds to answer; whoever connects in vain waits no longer than this.
SECONDS = 2.5

Look = Callable[[Installation], list[Check]]


def look_within(
    looks: Looks, installation: Installation, parts: Mapping[str, Look], *, seconds: float = SECONDS
) -> list[Check]:
    """What each part finds, in their order; one that takes longer is not well."""
    asked = {f"doctor {name}": partial(look, installation) for name, look in parts.items()}
    found = looks.at(asked, seconds=seconds)
    return [check for name in parts for check in _checks(found[f"doctor {name}"], name, seconds)]


def _checks(found: list[Check] | None, name: str, seconds: float) -> list[Check]:
    if found is not None:
        return found
    todo = "See what keeps it, with `pipeline-engine doctor` on this machine: that one waits."
    return [Check.of(name, failed(f"cannot be asked: no answer within {seconds:g} s", todo))]
