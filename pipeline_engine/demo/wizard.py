"""A user of the guardrail deployment workflow, who says whatever step comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline_engine.client import Client
from pipeline_engine.client.http import Json

#: What the steps are about.
TITLES = (
    *("provider", "project", "probes", "models", "credential", "hardware", "load"),
    *("cluster", "kind", "endpoints", "profile", "deployment"),
)
IN_PROGRESS = "in_progress"
#: What is said with a step; the workflow as it is may help.
Answer = Callable[[int, Json], Mapping[str, Any]]


class Wizard:
    """Walks through one workflow, from the first step to the last."""

    def __init__(
        self,
        client: Client,
        name: str,
        answer: Answer,
        *,
        say: Callable[[str], None],
        follow: Callable[[str], object],
    ) -> None:
        self._workflows = client.guardrails
        self._name = name
        self._answer = answer
        self._say = say
        self._follow = follow  #: watches an execution until it has ended
        self._workflow: Json = {}

    def walk(self) -> Json:
        """Begin the workflow, go on as it asks for, and return it as it has ended."""
        self._note(self._workflows.begin(**self._said(1)))
        return self._go_on()

    def repeat(self) -> Json:
        """Say the step again at which it has failed, and go on from there."""
        self._submit(self._workflow["current_step"])
        return self._go_on()

    def _go_on(self) -> Json:
        while self._workflow["status"] == IN_PROGRESS:
            step = self._workflow["next_step"]
            if step is None:  # a pipeline runs
                self._follow(str(self._workflow["runs"][-1]["execution_id"]))
                self._note(self._workflows.get(self._workflow["workflow_id"]))
            else:
                self._submit(step)
        return self._workflow

    def _submit(self, step: int) -> None:
        workflow_id = self._workflow["workflow_id"]
        self._note(self._workflows.submit(workflow_id, step, **self._said(step)))

    def _said(self, step: int) -> Mapping[str, Any]:
        said = self._answer(step, self._workflow)
        words = ", ".join(f"{key} {_brief(value)}" for key, value in said.items())
        self._say(f"{self._name}: step {step}, {TITLES[step - 1]}: {words}")
        return said

    def _note(self, now: Json) -> None:
        """Say what has become of the workflow."""
        for line in _news(self._workflow, now):
            self._say(f"{self._name}: {line}")
        self._workflow = now


def _news(before: Json, now: Json) -> Iterator[str]:
    known, steps = before.get("workflow_steps") or {}, now["workflow_steps"]
    if steps["model_statuses"] and not known.get("model_statuses"):
        yield (
            f"{len(steps['model_statuses'])} models: "
            f"{steps['models_requiring_onboarding']} have to be onboarded, "
            f"{steps['models_requiring_deployment']} deployed"
        )
    at = before.get("next_step") or before.get("current_step") or 0
    passed = [str(step) for step in now["skipped_steps"] if at < step < (now["next_step"] or 0)]
    if passed:
        yield f"step {', '.join(passed)} skipped"
    if now["status"] != IN_PROGRESS:
        yield ": ".join(filter(None, (f"the workflow is {now['status']}", now["reason"])))


def _brief(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, list):
        return "+".join(map(_brief, value))
    if isinstance(value, dict):
        return str(value.get("id") or " ".join(f"{k}={v}" for k, v in value.items()))
    return str(value).lower() if isinstance(value, bool) else str(value)
