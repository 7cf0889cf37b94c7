"""What a check says, and the words in which it says so."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_engine.scheduler.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Result:
    """What a check has found, and what to do if that is not well, or could be better."""

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
    def of(cls, name: str, result: Result) -> Check:
        """The result of the check called *name*."""
        return cls(name, result.is_well, result.says, result.what_to_do)


@dataclass(frozen=True, slots=True)
class Installation:
    """The running installation, as the checks reach it."""

    runtime: Runtime
    flower_url: str | None = None


def ok(says: str) -> Result:
    """What was found is as it should be."""
    return Result(True, says)


def worth_a_look(says: str, what_to_do: str) -> Result:
    """It works as it is, and somebody may have wanted it otherwise."""
    return Result(True, says, what_to_do)


def failed(says: str, what_to_do: str) -> Result:
    """It is not: what is wrong, and what to do about it."""
    return Result(False, says, what_to_do)
