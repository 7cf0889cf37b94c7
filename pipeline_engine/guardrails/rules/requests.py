"""What a client may say in one request: the fields, and which of them go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from pipeline_engine.domain.issues import Issue, join
from pipeline_engine.errors import InvalidGuardrailStep
from pipeline_engine.guardrails.rules.steps import ALL_FIELDS, FIELDS, Step

TOTAL_STEPS = len(Step)
#: Steps without a field of their own that may be asked for all the same: what the engine finds
#: out is found out again.
ASKABLE = frozenset({Step.MODEL_STATUS, Step.CLUSTER_RECOMMENDATION})
LONGEST_TEXT = 5000  #: characters
MOST_PROBES, MOST_RULES, MOST_ENDPOINTS, MOST_WORDS = 50, 500, 50, 100
TEXTS = (
    *("provider_type", "provider_id", "project_id", "guardrail_profile_id", "credential_id"),
    *("hardware_mode", "cluster_id", "name"),
)
LISTS = {"endpoint_ids": MOST_ENDPOINTS, "guard_types": MOST_WORDS}
OBJECTS = ("deploy_config", "budaiscaler_specification")
HARDWARE_MODES = ("dedicated", "shared")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRequest:
    """One step, as a client sends it."""

    step_number: int
    workflow_id: UUID | None = None  #: null begins a workflow
    workflow_total_steps: int | None = None
    trigger_workflow: bool = False
    version: int | None = None  #: the one that may be changed; null is any
    #: what is said, by the name of the field; null and what is left out say nothing
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Read the body of a request. Raises ``InvalidGuardrailStep`` with each problem."""
        said = {name: value for name, value in body.items() if value is not None}
        problems = [*_unknown(said), *_of_the_frame(said), *_of_fields(said)]
        if not problems:
            problems = [*_together(said)]
        if problems:
            raise InvalidGuardrailStep(f"{len(problems)} problem(s) with it.", problems=problems)
        workflow_id = said.get("workflow_id")
        return cls(
            step_number=said["step_number"],
            workflow_id=None if workflow_id is None else UUID(str(workflow_id)),
            workflow_total_steps=said.get("workflow_total_steps"),
            trigger_workflow=said.get("trigger_workflow", False),
            version=said.get("version"),
            fields={name: said[name] for name in ALL_FIELDS if name in said},
        )


FRAME = ("workflow_id", "workflow_total_steps", "step_number", "trigger_workflow", "version")


def _unknown(said: Mapping[str, Any]) -> Iterator[Issue]:
    for name in said.keys() - {*FRAME, *ALL_FIELDS}:
        yield Issue(join("", name), "unknown_field", "There is no such field")


def _of_the_frame(said: Mapping[str, Any]) -> Iterator[Issue]:
    if not is_id(said.get("workflow_id")):
        yield Issue("/workflow_id", "invalid_type", "It has to be a UUID")
    if not _is_number(said.get("step_number"), 1, TOTAL_STEPS):
        yield Issue("/step_number", "out_of_range", f"It has to be a number from 1 to {len(Step)}")
    total = said.get("workflow_total_steps")
    if total is not None and not _is_number(total, TOTAL_STEPS, TOTAL_STEPS):
        yield Issue("/workflow_total_steps", "out_of_range", f"It has to be {TOTAL_STEPS}")
    if not isinstance(said.get("trigger_workflow", False), bool):
        yield Issue("/trigger_workflow", "invalid_type", "It has to be true or false")
    version = said.get("version")
    if version is not None and not _is_number(version, 1, 2**31):
        yield Issue("/version", "invalid_type", "It has to be the number that an answer has told")


def _of_fields(said: Mapping[str, Any]) -> Iterator[Issue]:
    for name in TEXTS:
        if name in said and not _is_text(said[name]):
            yield Issue(join("", name), "invalid_type", "It has to be a text that is not empty")
    for name, most in LISTS.items():
        yield from _of_list(name, said.get(name, []), most)
    yield from _of_description(said)
    for name in OBJECTS:
        if not isinstance(said.get(name, {}), dict):
            yield Issue(join("", name), "invalid_type", "It has to be an object")
    if not isinstance(said.get("is_standalone", False), bool):
        yield Issue("/is_standalone", "invalid_type", "It has to be true or false")
    mode = said.get("hardware_mode", HARDWARE_MODES[0])
    if _is_text(mode) and mode not in HARDWARE_MODES:
        words = " or ".join(HARDWARE_MODES)
        yield Issue("/hardware_mode", "unknown_value", f"It has to be {words}")
    yield from _of_threshold("", said)
    yield from _of_probes(said.get("probe_selections"))


def _of_list(name: str, value: Any, most: int, pointer: str = "") -> Iterator[Issue]:
    if not isinstance(value, list) or not all(map(_is_text, value)):
        yield Issue(join(pointer, name), "invalid_type", "It has to be a list of texts")
    elif len(value) > most:
        yield Issue(join(pointer, name), "too_many", f"There may be {most}")


def _of_description(said: Mapping[str, Any]) -> Iterator[Issue]:
    description, tags = said.get("description", ""), said.get("tags", [])
    if description != "" and not _is_text(description):
        message = f"It has to be a text of {LONGEST_TEXT} characters at most"
        yield Issue("/description", "invalid_type", message)
    # budapp has tags with a name and a colour.
    is_list = isinstance(tags, list)
    if not is_list or not all(isinstance(tag, dict) or _is_text(tag) for tag in tags):
        yield Issue("/tags", "invalid_type", "It has to be a list of texts or objects")
    elif len(tags) > MOST_WORDS:
        yield Issue("/tags", "too_many", f"There may be {MOST_WORDS}")


def _of_threshold(pointer: str, said: Mapping[str, Any]) -> Iterator[Issue]:
    value = said.get("severity_threshold")
    if value is not None and (not _is_numeric(value) or not 0 <= value <= 1):
        message = "It has to be a number from 0 to 1"
        yield Issue(join(pointer, "severity_threshold"), "out_of_range", message)


def _of_probes(value: Any) -> Iterator[Issue]:
    if value is None:
        return
    pointer = "/probe_selections"
    if not isinstance(value, list) or not value:
        yield Issue(pointer, "invalid_type", "It has to be a list with a probe in it")
    elif len(value) > MOST_PROBES:
        yield Issue(pointer, "too_many", f"There may be {MOST_PROBES}")
    else:
        for index, probe in enumerate(value):
            yield from _of_probe(join(pointer, index), probe)
        yield from _repeated(pointer, value)


def _of_probe(pointer: str, probe: Any) -> Iterator[Issue]:
    yield from _of_named(pointer, probe)
    if not isinstance(probe, dict):
        return
    yield from _of_threshold(pointer, probe)
    yield from _of_list("guard_types", probe.get("guard_types") or [], MOST_WORDS, pointer)
    rules = probe.get("rules") or []
    place = join(pointer, "rules")
    if not isinstance(rules, list):
        yield Issue(place, "invalid_type", "It has to be a list")
    elif len(rules) > MOST_RULES:
        yield Issue(place, "too_many", f"There may be {MOST_RULES}")
    else:
        for index, rule in enumerate(rules):
            yield from _of_named(join(place, index), rule)


def _of_named(pointer: str, value: Any) -> Iterator[Issue]:
    if not isinstance(value, dict):
        yield Issue(pointer, "invalid_type", "It has to be an object")
    elif not _is_text(value.get("id")):
        yield Issue(join(pointer, "id"), "required", "It has to be a text that is not empty")


def _repeated(pointer: str, probes: list[Any]) -> Iterator[Issue]:
    seen: set[str] = set()
    for index, probe in enumerate(probes):
        name = probe.get("id") if isinstance(probe, dict) else None
        if isinstance(name, str) and name in seen:
            yield Issue(join(pointer, index, "id"), "duplicate", "It is selected twice")
        seen.add(str(name))


def _together(said: Mapping[str, Any]) -> Iterator[Issue]:
    """What single fields cannot tell; of what each of them is, nothing is wrong."""
    begins = "workflow_id" not in said
    if begins == ("workflow_total_steps" not in said):
        message = "Either workflow_id, to go on, or workflow_total_steps, to begin"
        yield Issue("/workflow_id", "one_of", message)
    if begins and "version" in said:
        yield Issue("/version", "one_of", "What is only begun has no version")
    if said.get("is_standalone") and said.get("endpoint_ids"):
        message = "is_standalone and endpoint_ids exclude each other"
        yield Issue("/endpoint_ids", "one_of", message)
    step = said["step_number"]
    if said.get("trigger_workflow") and step != Step.DEPLOYMENT:
        yield Issue("/trigger_workflow", "not_at_this_step", "Only step 12 triggers")
    says_something = said.get("trigger_workflow") or any(name in said for name in ALL_FIELDS)
    if not begins and not says_something and step not in ASKABLE:
        names = ", ".join(FIELDS[Step(step)]) or "trigger_workflow"
        yield Issue("/step_number", "required", f"A step says something: {names}")


def is_id(value: Any) -> bool:
    """Whether *value* is the id of a workflow, or none."""
    if value is None or isinstance(value, UUID):
        return True
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and bool(value.strip())


def _is_numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
