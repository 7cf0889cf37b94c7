"""What was installed and configured: plug-ins, and who may look at Flower."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import requests

from pipeline_engine.domain.concurrency import TAG
from pipeline_engine.isolation.sandbox import Sandbox, sandbox
from pipeline_engine.services.doctor.checks import Check, Installation, Result, failed, ok

ANSWER_WITHIN_SECONDS = 2.0


def run(installation: Installation) -> Iterator[Check]:
    """Look at what needs no server of ours."""
    for name, look in CHECKS.items():
        yield Check.of(name, look(installation))


def _plug_ins(installation: Installation) -> Result:
    registry = installation.runtime.registry
    broken = [f"{b.name} ({b.distribution}): {b.reason}" for b in registry.broken.values()]
    if broken:
        todo = "Repair or remove them: pipelines that use them are refused."
        return failed("; ".join(broken), todo)
    return ok(f"{len(registry.types())} actions, none broken{_apart(installation)}")


def _apart(installation: Installation) -> str:
    """Which packages run isolated, and behind what."""
    runtime = installation.runtime
    packages = sorted({one.distribution for one in runtime.registry if one.isolated})
    if not packages:
        return ""
    walls = sandbox(runtime.settings.isolated_sandbox)
    behind = "behind limits only" if walls is Sandbox.NONE else f"behind {walls.value}"
    return f"; isolated {behind}: {', '.join(packages)}"


def _action_limits(installation: Installation) -> Result:
    limits, known = installation.runtime.settings.action_limits, installation.runtime.registry
    unknown = [n for n in limits if not n.startswith(TAG) and n not in known.types()]
    if unknown:
        todo = "Say the type of the action in PIPELINE_ACTION_LIMITS, as GET /actions lists it."
        return failed(f"no action is called {', '.join(unknown)}", todo)
    return ok(f"{len(limits)} actions and tags are limited")


def _flower(installation: Installation) -> Result:
    """Its pages show everything to anybody unless it has a password."""
    if installation.flower_url is None:
        return ok("none is known of")
    try:
        answer = requests.get(
            installation.flower_url, timeout=ANSWER_WITHIN_SECONDS, allow_redirects=False
        )
    except requests.RequestException:
        return ok(f"{installation.flower_url} does not answer")
    if answer.status_code == requests.codes.ok:
        todo = "Set FLOWER_BASIC_AUTH: whoever reaches it can stop workers and tasks."
        return failed(f"{installation.flower_url} is open to anybody", todo)
    return ok(f"{installation.flower_url} asks who is there ({answer.status_code})")


CHECKS: Mapping[str, Callable[[Installation], Result]] = {
    "plug_ins": _plug_ins,
    "action_limits": _action_limits,
    "flower": _flower,
}
