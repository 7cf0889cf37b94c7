"""How the stand-ins behave: every switch that the command line and ``POST /control`` know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from pipeline_engine.errors import PipelineEngineError


class UnknownSwitch(PipelineEngineError):
    """The stand-ins have no such switch."""

    code = "unknown_switch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a stand-in does with a start call and with the events of the job that it starts."""

    callback_url: str | None = None
    token: str = field(default="", repr=False)
    #: seconds from the start of a job to its first and to its last event
    event_delay: tuple[float, float] = (0.2, 1.0)
    #: seconds until a start call is answered
    answer_delay: tuple[float, float] = (0.0, 0.05)
    #: seconds until the start call of one job is answered, by what the job is about
    slow_answers: Mapping[str, float] = field(default_factory=dict)
    #: seconds by which all events of one job are late, by what it is about or by its model
    late_events: Mapping[str, float] = field(default_factory=dict)
    seed: int = 1
    #: the share of events that are sent a second time, with the same id
    duplicates: float = 0.0
    #: the share of jobs whose last event is delivered before their start call is answered
    early: float = 0.0
    shuffle: bool = False
    #: jobs never say anything
    silent: bool = False
    #: what the jobs that fail are about (a model URI, the name of an endpoint …) or their models,
    #: or a check of a cluster that is not well, such as ``cluster-chicago/gpu``
    failing: tuple[str, ...] = ()
    #: what the jobs are about, or their models, that go on when they are called off
    ignores_cancel: tuple[str, ...] = ()
    #: how endpoints are, by id, name or model, where that is not what their jobs have come to
    endpoint_states: Mapping[str, str] = field(default_factory=dict)
    #: how many start calls are answered with 503, by what the job is about
    refusals: Mapping[str, int] = field(default_factory=dict)
    #: statuses with which routes answer in place of doing something, by the beginning of the path,
    #: with or without its method: ``DELETE /budapp/guardrails``
    errors: Mapping[str, int] = field(default_factory=dict)
    #: seconds until a call is answered that is done at once, by the beginning of its path
    delays: Mapping[str, float] = field(default_factory=dict)
    #: beginnings of paths whose call is done, and never answered
    hangs_up: tuple[str, ...] = ()
    #: idempotency keys mean nothing: every call starts a job
    forgets_keys: bool = False

    def changed(self, switches: Mapping[str, Any]) -> Self:
        """Return this behaviour with some switches set, as they come from JSON."""
        if unknown := switches.keys() - {f.name for f in fields(self)}:
            raise UnknownSwitch(f"The stand-ins have no switch {', '.join(sorted(unknown))}.")
        lists = {k: tuple(v) for k, v in switches.items() if isinstance(v, list)}
        return replace(self, **{**switches, **lists})
