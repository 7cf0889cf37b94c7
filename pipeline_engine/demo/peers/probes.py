"""budapp's probes: what a guardrail looks for, rule by rule, and the model that each rule needs."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_engine.demo.samples import MODELS


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a probe; which model it has got is in the journal."""

    id: str
    model_uri: str

    @property
    def name(self) -> str:
        """What it is called."""
        return f"Rule of {self.model_uri.rsplit('/', 1)[-1]}"


@dataclass(frozen=True, slots=True)
class Probe:
    """What can be looked for."""

    id: str
    name: str
    rules: tuple[Rule, ...]


_RULES = tuple(Rule(f"rule-{number}", uri) for number, uri in enumerate(MODELS, start=1))
PROBES = {
    probe.id: probe
    for probe in (
        Probe("harm", "Harmful content", _RULES[:3]),
        Probe("injection", "Prompt injection", _RULES[3:4]),
        Probe("topics", "Topics and tone", _RULES[4:]),
    )
}


def probe_of(identity: str) -> Probe:
    """Return the probe with this id: a known one, or one with two rules that nobody else has."""
    return PROBES.get(identity) or Probe(
        identity,
        identity.capitalize(),
        tuple(Rule(f"{identity}-rule-{n}", f"demo/{identity}-model-{n}") for n in (1, 2)),
    )
