"""What budapp says of the things that a client names, and of the models that rules need.

It is asked before the transaction of a request, and so often as is said here at most.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.issues import Issue, join
from pipeline_engine.errors import InvalidGuardrailStep, PeerUnavailable
from pipeline_engine.guardrails.rules.inputs import PROFILE, probe_selections
from pipeline_engine.guardrails.rules.model_status import derive, text_of
from pipeline_engine.guardrails.rules.requests import MOST_PROBES
from pipeline_engine.guardrails.rules.steps import Fields, State
from pipeline_engine.sdk import (
    Peers,
    ServiceError,
    ServiceResponse,
    path_segment,
)

CALL_SECONDS = 5.0  #: for one answer, at most
TOTAL_SECONDS = 20.0  #: for all that one request makes us ask
PAGE, MOST_PAGES = 100, 20  #: endpoints of a project: a page, and how many pages
#: Answers to an id that is none: not there, gone, or of a form that no id has.
UNKNOWN = frozenset({400, 403, 404, 410, 422})
NO_PROJECT = Issue("/project_id", "unknown_project", "There is no such project")


@dataclass(slots=True)
class Budapp:
    """budapp, as it is asked for one request of *user_id*, who is its only user meanwhile."""

    peers: Peers
    app_id: str  #: what this installation calls it
    user_id: str | None
    ends_at: float = field(default_factory=lambda: time.monotonic() + TOTAL_SECONDS)

    def project(self, identity: str) -> Fields | None:
        """One project; null if there is none that this user may know of."""
        return self._get("/projects/{}", identity, "project")

    def probe(self, identity: str) -> Fields | None:
        """One probe with its rules."""
        return self._get("/guardrails/probe/{}", identity, "probe")

    def profile(self, identity: str) -> Fields | None:
        """One guardrail profile with the probes that it selects."""
        return self._get("/guardrails/profile/{}", identity, "profile")

    def credential(self, identity: str) -> Fields | None:
        """One credential, without what it opens."""
        return self._get("/credentials/{}", identity, "credential")

    def endpoint(self, identity: str) -> Fields | None:
        """One endpoint."""
        return self._get("/endpoints/{}", identity, "endpoint")

    def endpoints(self, project_id: str) -> list[Fields] | None:
        """The endpoints of a project; null if this user may not know of them."""
        found: list[Fields] = []
        seen = 0
        for page in range(1, MOST_PAGES + 1):
            answer = self._ask("/endpoints", project_id=project_id, page=page, limit=PAGE)
            if answer is None:
                return None
            some = _list(answer.get("endpoints"))
            found += _objects(some)
            seen += len(some)
            total = answer.get("total_record")
            # It may give fewer at once than it was asked for.
            if not some or (seen >= total if isinstance(total, int) else len(some) < PAGE):
                break
        return found

    def _get(self, path: str, identity: str, name: str) -> Fields | None:
        if not identity or {".", ".."} & {*identity.replace("\\", "/").split("/")}:
            return None  # no id looks like a way out of its path
        answer = self._ask(path.format(path_segment(identity)))
        if answer is None:
            return None
        inner = answer.get(name, answer.get("data", answer))
        return inner if isinstance(inner, Mapping) else None

    def _ask(self, path: str, **query: Any) -> Mapping[str, Any] | None:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise PeerUnavailable("budapp takes too long to answer; nothing was changed.")
        try:
            answer = self.peers.invoke(
                self.app_id,
                path,
                http_method="GET",
                params={**query, "user_id": self.user_id},
                timeout_seconds=min(CALL_SECONDS, left),
            )
        except ServiceError as error:
            if error.status in UNKNOWN:
                return None
            raise PeerUnavailable(f"budapp cannot be asked: {error}") from error
        return _storable(answer)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out for one request; null is what was not asked for."""

    statuses: Sequence[Fields] | None = None
    profile: Fields | None = None  #: the existing one: its settings, and ``probes``


def look_up(
    budapp: Budapp, before: State, new: State, linked: Mapping[str, str], *, refresh: bool
) -> Findings:
    """Check what *new* names that *before* did not, and find the models if they are not known.

    With *refresh* they are found again. Raises ``InvalidGuardrailStep`` with what there is not,
    and ``PeerUnavailable``.
    """
    fresh = {name: value for name, value in new.given.items() if before.given.get(name) != value}
    problems = [*_unknown(budapp, fresh)]
    profile = _existing(budapp, new, fresh, problems)
    state = new if profile is None else with_profile(new, profile)
    is_due = (refresh or new.statuses is None) and "project_id" in new.given
    pairs: list[tuple[Fields, Fields]] = []
    if is_due or fresh.keys() & {"probe_selections", "guardrail_profile_id"}:
        pairs = [*_probes(budapp, state, problems)]
    if problems:
        raise InvalidGuardrailStep(f"{len(problems)} thing(s) are not there.", problems=problems)
    if not is_due or not probe_selections(state):
        return Findings(None, profile)
    endpoints = budapp.endpoints(new.given["project_id"])
    if endpoints is None:  # taken for none, its models would be deployed a second time
        problems = [NO_PROJECT]
        raise InvalidGuardrailStep("1 thing(s) are not there.", problems=problems)
    return Findings([one.document() for one in derive(pairs, endpoints, linked)], profile)


def with_profile(state: State, profile: Fields) -> State:
    """*state* with what is known of the existing profile."""
    return replace(state, derived={**state.derived, "profile": profile})


def _unknown(budapp: Budapp, fresh: Fields) -> Iterator[Issue]:
    """What a client names that budapp does not have."""
    if "project_id" in fresh and budapp.project(fresh["project_id"]) is None:
        yield NO_PROJECT
    if "credential_id" in fresh and budapp.credential(fresh["credential_id"]) is None:
        yield Issue("/credential_id", "unknown_credential", "There is no such credential")
    for index, endpoint in enumerate(fresh.get("endpoint_ids") or ()):
        if budapp.endpoint(endpoint) is None:
            pointer = join("/endpoint_ids", index)
            yield Issue(pointer, "unknown_endpoint", "There is no such endpoint")


def _existing(
    budapp: Budapp, new: State, fresh: Fields, problems: list[Issue]
) -> dict[str, Any] | None:
    """The existing profile that is named just now; what is wrong with it goes to *problems*."""
    if "guardrail_profile_id" not in fresh:
        return None
    pointer, found = "/guardrail_profile_id", _profile(budapp, fresh["guardrail_profile_id"])
    if found is None:
        problems.append(Issue(pointer, "unknown_profile", "There is no such guardrail profile"))
    elif not probe_selections(with_profile(new, found)):
        message = "The profile selects no probes: say some (probe_selections)"
        problems.append(Issue(pointer, "no_probes", message))
    return found


def _profile(budapp: Budapp, profile_id: str) -> dict[str, Any] | None:
    """An existing profile: its settings, and the probes that it selects."""
    found = budapp.profile(profile_id)
    if found is None:
        return None
    probes = _named(found.get("probes") or found.get("probe_selections"))
    said_of_it = {name: found[name] for name in PROFILE if found.get(name) is not None}
    return {**said_of_it, "probes": probes[:MOST_PROBES]}


def _probes(budapp: Budapp, state: State, problems: list[Issue]) -> Iterator[tuple[Fields, Fields]]:
    """Each selection with its probe; what there is not is added to *problems*."""
    is_own = bool(state.given.get("probe_selections"))  # said, and not those of the profile
    for index, selection in enumerate(probe_selections(state)):
        pointer = join("/probe_selections", index) if is_own else "/guardrail_profile_id"
        probe = budapp.probe(str(selection["id"]))
        if probe is None:
            place = join(pointer, "id") if is_own else pointer
            message = f"There is no such probe: {selection['id']}"
            problems.append(Issue(place, "unknown_probe", message))
            continue
        found = {**probe, "id": selection["id"], "rules": _named(probe.get("rules"))}
        if is_own:
            problems += _unknown_rules(pointer, selection, found)
        yield selection, found


def _unknown_rules(pointer: str, selection: Fields, probe: Fields) -> Iterator[Issue]:
    known = {str(rule.get("id")) for rule in probe["rules"]}
    for index, rule in enumerate(selection.get("rules") or ()):
        if rule["id"] not in known:
            place = join(pointer, "rules", index, "id")
            yield Issue(place, "unknown_rule", f"The probe has no such rule: {rule['id']}")


def _storable(answer: ServiceResponse) -> Mapping[str, Any]:
    """What can be kept of an answer: all of it. Raises ``PeerUnavailable``."""
    try:
        found: Mapping[str, Any] = json_guard.check(answer)
    except json_guard.JsonRejected as error:
        raise PeerUnavailable(f"budapp answered with what nobody can keep: {error}") from error
    return found


def _named(value: Any) -> list[Fields]:
    """Those of them that have an id."""
    return [one for one in _objects(value) if text_of(one.get("id"))]


def _objects(value: Any) -> list[Fields]:
    """The objects in a list of a peer; whatever else it may be is passed over."""
    return [one for one in _list(value) if isinstance(one, Mapping)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
