"""The twelve steps: what each asks for, when it is done, and what hangs on what was said."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from pipeline_engine.domain.guardrails import Phase
from pipeline_engine.guardrails.rules.model_status import needs_deployment, needs_onboarding

Fields = Mapping[str, Any]


class Step(IntEnum):
    """The steps, by number and name."""

    PROVIDER = 1
    PROJECT = 2
    PROBES = 3
    MODEL_STATUS = 4
    ONBOARDING = 5
    HARDWARE_MODE = 6
    DEPLOYMENT_SPECS = 7
    CLUSTER_RECOMMENDATION = 8
    DEPLOYMENT_TYPE = 9
    ENDPOINTS = 10
    PROFILE = 11
    DEPLOYMENT = 12


#: What a client may say with each step. The engine finds out what step 4 is about.
FIELDS: Mapping[Step, tuple[str, ...]] = MappingProxyType(
    {
        Step.PROVIDER: ("provider_type", "provider_id"),
        Step.PROJECT: ("project_id",),
        Step.PROBES: ("probe_selections", "guardrail_profile_id"),
        Step.MODEL_STATUS: (),
        Step.ONBOARDING: ("credential_id",),
        Step.HARDWARE_MODE: ("hardware_mode",),
        Step.DEPLOYMENT_SPECS: ("deploy_config", "budaiscaler_specification"),
        Step.CLUSTER_RECOMMENDATION: ("cluster_id",),
        Step.DEPLOYMENT_TYPE: ("is_standalone",),
        Step.ENDPOINTS: ("endpoint_ids",),
        Step.PROFILE: ("name", "description", "tags", "guard_types", "severity_threshold"),
        Step.DEPLOYMENT: (),
    }
)
ALL_FIELDS: tuple[str, ...] = tuple(name for names in FIELDS.values() for name in names)
#: One of these has to be known when a step is done. Steps that are not here have rules below.
NEEDED: Mapping[Step, tuple[str, ...]] = MappingProxyType(
    {
        Step.PROVIDER: ("provider_type", "provider_id"),
        Step.PROJECT: ("project_id",),
        Step.PROBES: ("probe_selections", "guardrail_profile_id"),
        Step.HARDWARE_MODE: ("hardware_mode",),
        Step.DEPLOYMENT_SPECS: ("deploy_config",),
        Step.DEPLOYMENT_TYPE: ("is_standalone",),
        Step.ENDPOINTS: ("endpoint_ids",),
        Step.PROFILE: ("name", "guardrail_profile_id"),
    }
)
#: What says nothing: null, and an empty list. An empty ``deploy_config`` asks for what is usual.
NOTHING_SAID: tuple[Any, ...] = (None, [])
#: What is forgotten when something that it depends on has changed, or is forgotten itself.
#: Onboarding has no entry: a model that was onboarded stays, whatever is chosen afterwards.
DEPENDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "model_statuses": frozenset({"project_id", "probe_selections", "guardrail_profile_id"}),
        "profile": frozenset({"guardrail_profile_id"}),
        "recommended_clusters": frozenset({"deploy_config", "hardware_mode", "model_statuses"}),
        "per_model_configs": frozenset({"deploy_config", "hardware_mode", "model_statuses"}),
        "cluster_id": frozenset({"recommended_clusters"}),
        "endpoint_ids": frozenset({"project_id"}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A workflow, as far as rules are concerned."""

    phase: Phase = Phase.COLLECTING
    current_step: int = Step.PROVIDER
    given: Fields = field(default_factory=dict)
    derived: Fields = field(default_factory=dict)
    reason: str | None = None

    @property
    def statuses(self) -> Sequence[Fields] | None:
        """The models of the rules; null before they are known."""
        found: Sequence[Fields] | None = self.derived.get("model_statuses")
        return found

    @property
    def recommended(self) -> Sequence[Fields] | None:
        """The clusters that were recommended; null before they are known."""
        found: Sequence[Fields] | None = self.derived.get("recommended_clusters")
        return found


def with_given(state: State, fields: Fields) -> State:
    """*state* with what a client says, and without what hung on something that has changed."""
    new = {name: value for name, value in fields.items() if state.given.get(name) != value}
    if not new:
        return state
    replaced = new.keys() & state.given.keys()
    stale = _hanging_on(state, new=new.keys(), replaced=replaced)
    kept = {name: value for name, value in state.given.items() if name not in stale}
    given = {**kept, **fields}  # what is said once more is meant, stale or not
    if given.get("is_standalone"):
        given.pop("endpoint_ids", None)
    derived = {name: value for name, value in state.derived.items() if name not in stale}
    return replace(state, given=given, derived=derived)


def with_statuses(state: State, statuses: Sequence[Fields]) -> State:
    """*state* with what is known of the models now.

    What was recommended counts as long as the same models are to be deployed.
    """
    old, derived = state.statuses, {**state.derived, "model_statuses": list(statuses)}
    if old is None or _to_deploy(old) == _to_deploy(statuses):
        return replace(state, derived=derived)
    stale = _hanging_on(state, new={"model_statuses"}, replaced=frozenset())
    return replace(
        state,
        given={name: value for name, value in state.given.items() if name not in stale},
        derived={name: value for name, value in derived.items() if name not in stale},
    )


def _to_deploy(statuses: Sequence[Fields]) -> set[tuple[str, str | None]]:
    return {(one["model_uri"], one["model_id"]) for one in statuses if one["requires_deployment"]}


def _hanging_on(state: State, *, new: Collection[str], replaced: Collection[str]) -> set[str]:
    """What is stale now. What a client has said is so only if something was *replaced*."""
    stale: set[str] = set()
    for name, on in DEPENDS.items():  # in the order in which one hangs on another
        changed = replaced if name in ALL_FIELDS else new
        forgotten = {one for one in stale if one in state.derived}
        if on & (set(changed) | forgotten):
            stale.add(name)
    return stale


# ── What is done, and what is left ───────────────────────────────────────────────────────


def skipped(state: State) -> list[int]:
    """The steps that the rules pass over, as far as they are known."""
    found: list[Step] = []
    if state.statuses is not None:
        if not needs_onboarding(state.statuses):
            found.append(Step.ONBOARDING)
        if not needs_deployment(state.statuses):
            found += (Step.HARDWARE_MODE, Step.DEPLOYMENT_SPECS, Step.CLUSTER_RECOMMENDATION)
    if state.given.get("is_standalone"):
        found.append(Step.ENDPOINTS)
    return [int(step) for step in found]


def lacking(state: State, step: Step) -> list[str] | None:
    """What a step lacks before it is done; null if that is nothing.

    The list is empty for what no field can say: a pipeline has to run first.
    """
    if step in NEEDED:
        known = any(state.given.get(name) not in NOTHING_SAID for name in NEEDED[step])
        return None if known else list(NEEDED[step])
    if step is Step.MODEL_STATUS:
        return None if state.statuses is not None else []
    if step is Step.ONBOARDING:
        return [] if "credential_id" in state.given else ["credential_id"]
    if step is Step.CLUSTER_RECOMMENDATION:
        return _lacking_cluster(state)
    return None if state.phase is Phase.COMPLETED else ["trigger_workflow"]


def _lacking_cluster(state: State) -> list[str] | None:
    if not state.recommended:
        return []
    return None if is_recommended(state, state.given.get("cluster_id")) else ["cluster_id"]


def is_recommended(state: State, cluster_id: Any) -> bool:
    """Whether a cluster is one of those that have room."""
    return any(one.get("cluster_id") == cluster_id for one in state.recommended or ())


def left_before(state: State, step: int) -> list[tuple[int, list[str]]]:
    """The steps before *step* that are neither done nor skipped, and what each lacks."""
    passed_over = skipped(state)
    return [
        (int(one), missing)
        for one in Step
        if one < step and one not in passed_over
        for missing in [lacking(state, one)]
        if missing is not None
    ]


def next_step(state: State) -> int | None:
    """The step that may be said next; null while a pipeline runs, and at the end."""
    if state.phase.is_final or state.phase.is_running:
        return None
    left = left_before(state, Step.DEPLOYMENT)
    return left[0][0] if left else int(Step.DEPLOYMENT)
