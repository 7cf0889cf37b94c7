"""Whatever users and pipelines do, a workflow keeps its promises.

Random paths through the machine: steps forward, back, again and out of order, pipelines that end
in every way, ends that come twice and late, cancels, and a second client with an old version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_engine.domain.guardrails import Phase, RunStatus
from pipeline_engine.errors import (
    GuardrailPipelineRunning,
    GuardrailStepNotReached,
    GuardrailWorkflowEnded,
    InvalidGuardrailStep,
)
from pipeline_engine.guardrails.rules.endings import TOO_LATE, End, cancel_asked, ended
from pipeline_engine.guardrails.rules.inputs import params
from pipeline_engine.guardrails.rules.machine import MOVES, Event
from pipeline_engine.guardrails.rules.model_status import derive
from pipeline_engine.guardrails.rules.requests import StepRequest
from pipeline_engine.guardrails.rules.steps import (
    State,
    Step,
    lacking,
    next_step,
    skipped,
    with_statuses,
)
from pipeline_engine.guardrails.rules.submitting import moved, said

AT = datetime(2026, 1, 1, tzinfo=UTC)
ID = UUID(int=1)
SAID: dict[int, list[dict[str, Any]]] = {
    1: [{"provider_type": "bud", "provider_id": "v"}],
    2: [{"project_id": "j1"}, {"project_id": "j2"}],
    3: [{"probe_selections": [{"id": probe}]} for probe in ("new", "known", "serving", "plain")],
    4: [{}],
    5: [{"credential_id": "k1"}, {"credential_id": "k2"}],
    6: [{"hardware_mode": "dedicated"}, {"hardware_mode": "shared"}],
    7: [{"deploy_config": {"concurrency": 1}}, {"deploy_config": {"concurrency": 2}}],
    8: [{"cluster_id": "c1"}, {"cluster_id": "c9"}, {}],
    9: [{"is_standalone": True}, {"is_standalone": False}],
    10: [{"endpoint_ids": ["e1"]}],
    11: [{"name": "guard"}],
    12: [{}],
}
#: The rules of the probes: those of ``new`` share a model.
RULES = {
    "new": [{"id": "n1", "model_uri": "org/new"}, {"id": "n2", "model_uri": "org/new"}],
    "known": [{"id": "k1", "model_uri": "org/known", "model_id": "m-known"}],
    "serving": [{"id": "s1", "model_uri": "org/serving", "model_id": "m-serving"}],
    "plain": [{"id": "p1", "model_uri": None}],
}
SERVING = [{"id": "e-serving", "model_id": "m-serving", "status": "running"}]
REFUSED = (
    GuardrailPipelineRunning,
    GuardrailStepNotReached,
    GuardrailWorkflowEnded,
    InvalidGuardrailStep,
)


def a_request(step: int, fields: dict[str, Any], *, trigger: bool = False) -> StepRequest:
    return StepRequest(step_number=step, workflow_id=ID, fields=fields, trigger_workflow=trigger)


@dataclass
class Run:
    """A pipeline that was started, and what for."""

    step: Step
    given: dict[str, Any]
    is_open: bool = True


@dataclass
class Course:
    """A workflow as the service keeps it: a state, a version, and the runs."""

    state: State = field(default_factory=State)
    version: int = 1
    runs: list[Run] = field(default_factory=list)
    onboarded: dict[str, str] = field(default_factory=dict)

    def submit(self, request: StepRequest, version: int | None = None) -> bool:
        """Carry out a request as the service does; false if it was refused."""
        if version is not None and version != self.version:
            return False
        before = self.state
        try:
            new = self.found_out(said(before, request), request)
            move = moved(before, new, request)
        except REFUSED:
            assert self.state is before
            return False
        if move.state != before:
            self.version += 1
        self.state = move.state
        if move.starts is not None:
            self.start(move.starts)
        return True

    def found_out(self, new: State, request: StepRequest) -> State:
        """What budapp says, which knows the models that were onboarded."""
        selections = new.given.get("probe_selections")
        is_due = new.statuses is None or request.step_number == 4 or request.trigger_workflow
        if not (is_due and selections and "project_id" in new.given):
            return new
        if self.state.phase.is_running:
            return new
        pairs = [(one, {**one, "rules": RULES[one["id"]]}) for one in selections]
        return with_statuses(
            new, [one.document() for one in derive(pairs, SERVING, self.onboarded)]
        )

    def start(self, step: Step) -> None:
        known = params(step, self.state, workflow_id=str(ID), user_id="ada")
        assert not any(run.is_open for run in self.runs), "never two runs open"
        before = [one for one in range(1, step) if one not in skipped(self.state)]
        assert all(lacking(self.state, Step(one)) is None for one in before), "all is known"
        self.runs.append(Run(step, known))

    def end(self, run: Run, status: RunStatus, *, is_short: bool) -> None:
        """The end of a run, once: the service asks its row whether that has come before."""
        if not run.is_open:
            return
        run.is_open = False
        self.state = ended(self.state, run.step, self.an_end(run, status, is_short=is_short))
        self.version += 1

    def an_end(self, run: Run, status: RunStatus, *, is_short: bool) -> End:
        if status is not RunStatus.COMPLETED:
            error = {"code": "x", "message": "no luck"}
            return End(status=status, at=AT, error=error, rollback={"status": "success"})
        if run.step is Step.ONBOARDING:
            lines = [] if is_short else [*self.onboard(run)]
            return End(status=status, at=AT, onboarded=lines)
        if run.step is Step.CLUSTER_RECOMMENDATION:
            clusters = [] if is_short else [{"cluster_id": "c1", "headroom_gb": 4}]
            outputs = {"recommended_clusters": clusters, "per_model_configs": []}
            return End(status=status, at=AT, outputs=outputs)
        return End(status=status, at=AT, outputs={"deployment_id": "d", "profile_id": "p"})

    def onboard(self, run: Run) -> Iterator[dict[str, str]]:
        for model in run.given["models_to_onboard"]:
            model_id = f"m-of-{model['model_uri']}"
            self.onboarded |= dict.fromkeys(model["rule_ids"], model_id)
            for rule_id in model["rule_ids"]:
                yield {"rule_id": rule_id, "model_uri": model["model_uri"], "model_id": model_id}


submits = st.tuples(
    st.just("submit"),
    st.integers(1, 12),
    st.integers(0, 3),
    st.booleans(),
    st.sets(st.integers(1, 12), max_size=3),
)
#: Where the workflow says that it goes on.
forward = st.tuples(st.just("forward"), st.integers(0, 3))
ends = st.tuples(st.just("end"), st.integers(0, 9), st.sampled_from(RunStatus), st.booleans())
good_ends = st.just(("end", 0, RunStatus.COMPLETED, False))
cancels = st.just(("cancel",))
late = st.tuples(st.just("late"), st.integers(1, 12), st.integers(1, 5))
#: So that some paths come far: what is said as often as it stands here.
OFTEN = (forward,) * 8 + (good_ends,) * 5 + (submits,) * 4 + (ends,) * 2 + (late,) * 2 + (cancels,)
happenings = st.integers(0, len(OFTEN) - 1).flatmap(OFTEN.__getitem__)
#: At which step a path begins, and what happens then.
paths = st.tuples(st.integers(1, 12), st.lists(happenings, min_size=5, max_size=40))


def carry_out(course: Course, what: tuple[Any, ...]) -> None:
    {"submit": submit, "forward": go_on, "end": end, "cancel": cancel, "late": come_late}[what[0]](
        course, *what[1:]
    )


def submit(course: Course, step: int, choice: int, trigger: bool, others: set[int]) -> None:
    fields = {**pick(step, choice)}
    for other in sorted(others):
        fields |= pick(other, choice)
    if fields.get("is_standalone"):
        fields.pop("endpoint_ids", None)
    request = a_request(step, fields, trigger=trigger and step == Step.DEPLOYMENT)
    if course.submit(request):
        after, started = course.state, len(course.runs)
        assert course.submit(request), "a repeat is answered"
        assert (course.state, len(course.runs)) == (after, started), "and changes nothing"


def go_on(course: Course, choice: int) -> None:
    step = next_step(course.state)
    if step is not None:
        trigger = step == Step.DEPLOYMENT
        course.submit(a_request(step, pick(step, choice), trigger=trigger))


def end(course: Course, index: int, status: RunStatus, is_short: bool) -> None:
    if course.runs:
        status = RunStatus.FAILED if status is RunStatus.RUNNING else status
        course.end(course.runs[-1 - index % len(course.runs)], status, is_short=is_short)


def cancel(course: Course) -> None:
    try:
        new = cancel_asked(course.state, "enough")
    except GuardrailWorkflowEnded:
        return
    course.version += new != course.state
    course.state = new


def come_late(course: Course, step: int, by: int) -> None:
    """A second client sends what it thinks, with a version that is not the newest."""
    before = course.state
    if course.version > by:
        assert not course.submit(a_request(step, pick(step, 0)), course.version - by)
    assert course.state == before, "an old version overwrites nothing"


def pick(step: int, choice: int) -> dict[str, Any]:
    return SAID[step][choice % len(SAID[step])]


@settings(max_examples=200, deadline=None)
@given(paths)
def test_no_path_breaks_a_promise(path: tuple[int, list[tuple[Any, ...]]]) -> None:
    course = at_step(path[0])
    for what in path[1]:
        before = course.state
        carry_out(course, what)
        state = course.state

        assert sum(run.is_open for run in course.runs) == state.phase.is_running
        assert state == before or not before.phase.is_final, "what is final stays as it is"
        assert not (state.given.get("is_standalone") and state.given.get("endpoint_ids"))
        if state.phase is Phase.COMPLETED:
            assert state.derived["deployment_id"] == "d"


def test_every_phase_but_the_final_ones_can_be_left_and_reached() -> None:
    left = {phase for phase, _ in MOVES}

    assert left == {phase for phase in Phase if not phase.is_final}
    assert set(MOVES.values()) == set(Phase)
    assert {event for _, event in MOVES} == set(Event)


# ── Single paths, to be read ─────────────────────────────────────────────────────────────


def at_step(step: int) -> Course:
    """A workflow with a model to onboard, that was told all steps before *step*."""
    course = Course()
    for number in range(1, step):
        choice = 1 if number == 9 else 0
        assert course.submit(a_request(number, pick(number, choice))), number
        if course.state.phase.is_running:
            course.end(course.runs[-1], RunStatus.COMPLETED, is_short=False)
    return course


def test_a_whole_course_starts_three_pipelines_with_what_they_need() -> None:
    course = at_step(12)

    assert course.submit(a_request(12, {}, trigger=True))
    course.end(course.runs[-1], RunStatus.COMPLETED, is_short=False)

    onboarding, recommendation, deployment = course.runs
    assert onboarding.given["models_to_onboard"] == [
        {
            "rule_id": "n1",
            "rule_ids": ["n1", "n2"],
            "model_uri": "org/new",
            "model_provider_type": "hugging_face",
        }
    ]
    assert recommendation.given["models"][0]["model_id"] == "m-of-org/new"
    assert deployment.given["models_to_deploy"][0]["cluster_id"] == "c1"
    assert (course.state.phase, next_step(course.state)) == (Phase.COMPLETED, None)


def test_models_that_serve_need_neither_credential_nor_cluster() -> None:
    course = at_step(3)
    course.submit(a_request(3, {"probe_selections": [{"id": "serving"}]}))

    assert (skipped(course.state), next_step(course.state)) == ([5, 6, 7, 8], 9)
    assert course.submit(a_request(9, {"is_standalone": True}))
    assert (skipped(course.state), next_step(course.state)) == ([5, 6, 7, 8, 10], 11)
    assert course.submit(a_request(11, {"name": "guard"}))
    assert course.submit(a_request(12, {}, trigger=True))
    assert course.runs[-1].given["models_to_deploy"] == []
    assert course.runs[-1].given["models_to_reuse"][0]["endpoint_id"] == "e-serving"


def test_a_step_too_far_is_told_what_is_missing() -> None:
    course = at_step(4)
    request = a_request(9, {"is_standalone": True})

    with pytest.raises(GuardrailStepNotReached) as refused:
        moved(course.state, said(course.state, request), request)

    assert refused.value.facts["missing"] == [
        {"step": 5, "fields": ["credential_id"]},
        {"step": 6, "fields": ["hardware_mode"]},
        {"step": 7, "fields": ["deploy_config"]},
        {"step": 8, "fields": []},
    ]


def test_a_failed_step_is_started_again_and_a_completed_one_is_not() -> None:
    course = at_step(5)
    course.submit(a_request(5, {"credential_id": "k1"}))
    course.end(course.runs[-1], RunStatus.FAILED, is_short=False)

    assert (course.state.phase, course.state.reason) == (Phase.FAILED, "no luck")
    assert course.submit(a_request(5, {"credential_id": "k1"}))
    course.end(course.runs[-1], RunStatus.COMPLETED, is_short=False)
    assert course.submit(a_request(5, {"credential_id": "k1"}))
    assert (len(course.runs), course.state.phase) == (2, Phase.COLLECTING)


def test_a_change_takes_away_what_hung_on_it_and_nothing_else() -> None:
    course = at_step(12)

    assert course.submit(a_request(7, {"deploy_config": {"concurrency": 2}}))

    assert course.state.phase is Phase.RECOMMENDING
    assert "cluster_id" not in course.state.given
    assert course.state.recommended is None
    assert course.state.given["name"] == "guard"


def test_no_cluster_with_room_lets_the_step_be_asked_for_again() -> None:
    course = at_step(7)
    course.submit(a_request(7, pick(7, 0)))
    course.end(course.runs[-1], RunStatus.COMPLETED, is_short=True)

    assert next_step(course.state) == 8
    assert course.submit(a_request(8, {}))
    assert course.state.phase is Phase.RECOMMENDING


def test_a_cluster_that_was_not_recommended_is_refused() -> None:
    course = at_step(8)
    request = a_request(8, {"cluster_id": "c9"})

    with pytest.raises(InvalidGuardrailStep) as refused:
        moved(course.state, said(course.state, request), request)

    assert refused.value.facts["problems"][0].pointer == "/cluster_id"


def test_a_pipeline_that_gives_no_model_has_failed() -> None:
    course = at_step(5)
    course.submit(a_request(5, {"credential_id": "k1"}))

    course.end(course.runs[-1], RunStatus.COMPLETED, is_short=True)

    assert course.state.phase is Phase.FAILED


def test_a_cancel_that_comes_too_late_changes_nothing_but_the_reason() -> None:
    course = at_step(12)
    course.submit(a_request(12, {}, trigger=True))
    course.state = cancel_asked(course.state, None)

    course.end(course.runs[-1], RunStatus.COMPLETED, is_short=False)

    assert (course.state.phase, course.state.reason) == (Phase.COMPLETED, TOO_LATE)
