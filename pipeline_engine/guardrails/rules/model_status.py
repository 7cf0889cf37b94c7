"""What the models of guardrail rules are, what they need, and how that is found out.

A rule needs a model if it names one (``model_uri``). Which model that is, budapp knows once it was
onboarded; whether it runs, its endpoints in the project say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

HUGGING_FACE = "hugging_face"
#: Words of a rule that is switched off, in a selection or in the probe itself.
OFF = frozenset({"disabled", "inactive", "deleted", "off"})


class ModelState(StrEnum):
    """Where a model is between a name and something that answers."""

    NOT_ONBOARDED = "not_onboarded"
    ONBOARDED = "onboarded"
    RUNNING = "running"
    UNHEALTHY = "unhealthy"
    DEPLOYING = "deploying"
    PENDING = "pending"
    FAILURE = "failure"
    DELETING = "deleting"


#: States of an endpoint: of several of one model the first of these counts.
BEST_FIRST = (
    ModelState.RUNNING,
    ModelState.UNHEALTHY,
    ModelState.DEPLOYING,
    ModelState.PENDING,
    ModelState.FAILURE,
    ModelState.DELETING,
)
DEPLOYABLE = frozenset(
    {
        ModelState.NOT_ONBOARDED,
        ModelState.ONBOARDED,
        ModelState.FAILURE,
        ModelState.DELETING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """The model of one rule."""

    rule_id: str
    rule_name: str | None
    probe_id: str
    probe_name: str | None
    model_uri: str
    model_provider_type: str
    model_id: str | None
    status: ModelState
    endpoint_id: str | None = None
    endpoint_name: str | None = None
    endpoint_url: str | None = None
    cluster_id: str | None = None
    cluster_name: str | None = None
    requires_onboarding: bool
    requires_deployment: bool
    can_reuse: bool
    show_warning: bool

    def document(self) -> dict[str, Any]:
        """As the row of the workflow keeps it."""
        return asdict(self) | {"status": self.status.value}


Document = Mapping[str, Any]
NOTHING: Document = MappingProxyType({})


def derive(
    probes: Sequence[tuple[Document, Document]],
    endpoints: Sequence[Document],
    linked: Mapping[str, str],
) -> list[ModelStatus]:
    """The models of the rules that are selected.

    *probes* are pairs: the selection as a client gave it, and the probe as budapp has it.
    *endpoints* are those of the project, *linked* models of rules that go before what budapp says.
    """
    return [
        _status(rule, probe, endpoints, linked)
        for selection, probe in probes
        for rule in _selected(selection, probe)
        if text_of(rule.get("model_uri"))
    ]


def _selected(selection: Document, probe: Document) -> Iterator[Document]:
    """The rules of a probe that count: those that are selected, or without any all that are on."""
    chosen = {str(rule.get("id")): rule for rule in selection.get("rules") or ()}
    for rule in probe.get("rules") or ():
        said = chosen.get(str(rule.get("id")))
        if chosen and said is None:
            continue
        # What the client says of a rule goes before its usual state.
        status = (said or NOTHING).get("status") or (not said and rule.get("status")) or ""
        if str(status).lower() not in OFF:
            yield rule


def _status(
    rule: Document, probe: Document, endpoints: Sequence[Document], linked: Mapping[str, str]
) -> ModelStatus:
    rule_id = str(rule["id"])
    model_id = linked.get(rule_id) or text_of(rule.get("model_id"))
    endpoint = _serving(model_id, endpoints)
    state = _state(model_id, endpoint)
    return _made(
        state,
        endpoint if state in BEST_FIRST else NOTHING,
        rule_id=rule_id,
        rule_name=text_of(rule.get("name")),
        probe_id=str(probe["id"]),
        probe_name=text_of(probe.get("name")),
        model_uri=str(rule["model_uri"]),
        model_provider_type=text_of(rule.get("model_provider_type")) or HUGGING_FACE,
        model_id=model_id,
    )


def text_of(value: Any) -> str | None:
    """An id or a name of a peer, some of which are numbers; null if it says nothing."""
    is_one = isinstance(value, str | int) and not isinstance(value, bool)
    return (str(value) or None) if is_one else None


def _made(state: ModelState, endpoint: Document, **known: Any) -> ModelStatus:
    cluster = endpoint.get("cluster")
    cluster = cluster if isinstance(cluster, Mapping) else NOTHING
    return ModelStatus(
        **known,
        status=state,
        endpoint_id=text_of(endpoint.get("id")),
        endpoint_name=text_of(endpoint.get("name")),
        endpoint_url=text_of(endpoint.get("url")),
        cluster_id=text_of(cluster.get("id")),
        cluster_name=text_of(cluster.get("name")),
        requires_onboarding=state is ModelState.NOT_ONBOARDED,
        requires_deployment=state in DEPLOYABLE,
        can_reuse=state not in DEPLOYABLE,
        show_warning=state is ModelState.UNHEALTHY,
    )


def _state(model_id: Any, endpoint: Document) -> ModelState:
    if not model_id:
        return ModelState.NOT_ONBOARDED
    return _state_of(endpoint) or ModelState.ONBOARDED


def _serving(model_id: Any, endpoints: Sequence[Document]) -> Document:
    """The best endpoint of a model."""
    its = [one for one in endpoints if model_id and str(one.get("model_id")) == str(model_id)]
    ranked = [(BEST_FIRST.index(state), one) for one in its if (state := _state_of(one))]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else NOTHING


def _state_of(endpoint: Document) -> ModelState | None:
    """The state of an endpoint; null if it is none any more, or one that nobody knows."""
    word = str(endpoint.get("status", "")).lower()
    return next((state for state in BEST_FIRST if state == word), None)


def onboarded(statuses: Sequence[Document], models: Sequence[Document]) -> list[dict[str, Any]]:
    """*statuses* after these models were onboarded, each for all rules that name it."""
    ids = {str(one.get("model_uri")): str(one["model_id"]) for one in models}
    return [
        {**one, **_now_onboarded(ids[one["model_uri"]])}
        if one["requires_onboarding"] and one["model_uri"] in ids
        else {**one}
        for one in statuses
    ]


def _now_onboarded(model_id: str) -> dict[str, Any]:
    return {
        "model_id": model_id,
        "status": ModelState.ONBOARDED.value,
        "requires_onboarding": False,
    }


def needs_onboarding(statuses: Sequence[Document]) -> bool:
    """Whether some model has to be onboarded."""
    return any(one["requires_onboarding"] for one in statuses)


def needs_deployment(statuses: Sequence[Document]) -> bool:
    """Whether some model has to be deployed."""
    return any(one["requires_deployment"] for one in statuses)


def counts(statuses: Sequence[Document]) -> dict[str, Any]:
    """What is said of all models together.

    ``skip_to_step`` is 9 when every model serves already, 6 when none has to be onboarded.
    """
    onboarding = sum(bool(one["requires_onboarding"]) for one in statuses)
    deployment = sum(bool(one["requires_deployment"]) for one in statuses)
    skip_to_step = 9 if not deployment else None if onboarding else 6
    return {
        "models_requiring_onboarding": onboarding,
        "models_requiring_deployment": deployment,
        "models_reusable": sum(bool(one["can_reuse"]) for one in statuses),
        "skip_to_step": skip_to_step,
        "credential_required": onboarding > 0,
    }
