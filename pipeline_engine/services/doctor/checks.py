"""What a check says, and the words in which it says so."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_engine.scheduler.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and what to do if it is not well."""

    is_well: bool
    says: str
    what_to_do: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    is_well: bool
    says: str
    what_to_do: str | None

    @classmethod
    def of(cls, name: str, verdict: Verdict) -> Check:
        """The verdict of the check called *name*."""
        return cls(name, verdict.is_well, verdict.says, verdict.what_to_do)


@dataclass(frozen=True, slots=True)
class Patient:
    """The installation that is looked at."""

    runtime: Runtime
    flower_url: str | None = None


def well(says: str) -> Verdict:
    """All is as it should be."""
    return Verdict(True, says)


def ill(says: str, what_to_do: str) -> Verdict:
    """It is not, and this would help."""
    return Verdict(False, says, what_to_do)
