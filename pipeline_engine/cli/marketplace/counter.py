"""What the commands look at: the sources that are named, read now, and this environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline_engine.cli.output import print_error
from pipeline_engine.config import Settings
from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.isolation.terms import Terms
from pipeline_engine.marketplace.environment import Environment
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.refusals import UnknownSource
from pipeline_engine.marketplace.sources import Shelf, named, opened
from pipeline_engine.setting_kinds import MarketplaceSource


@dataclass(frozen=True, slots=True)
class Counter:
    """The marketplace as one command sees it."""

    sources: Sequence[MarketplaceSource]
    memory: Memory
    environment: Environment
    terms: Terms
    now: datetime

    @classmethod
    def open(cls) -> Counter:
        """By the environment. Raises ``InvalidSettings``."""
        found = Settings.marketplace_from_env()
        memory = Memory.of_environment(found["marketplace_state"])
        now = datetime.now(UTC)
        return cls(found["marketplace_sources"], memory, Environment.here(), Terms.from_env(), now)

    def shelf(self, source: MarketplaceSource) -> Shelf:
        """A source as it is now."""
        return opened(source, self.memory, now=self.now)

    def shelves(self, name: str | None) -> list[Shelf]:
        """One source, or all. Raises what is wrong with the first one that cannot be believed.

        A package is not to come from another source because the right one is away.
        """
        return [self.shelf(source) for source in self._named(name)]

    def readable(self, name: str | None) -> list[Shelf]:
        """The same for who only looks: what cannot be read is told of and left out."""
        found, problems = [], []
        for source in self._named(name):
            try:
                found.append(self.shelf(source))
            except PipelineEngineError as error:
                problems.append(error)
        if problems and not found:
            raise problems[0]
        for problem in problems:
            print_error(f"{problem} [{problem.code}]")
        return found

    def _named(self, name: str | None) -> Sequence[MarketplaceSource]:
        if not self.sources:
            raise UnknownSource("No source of packages is named: set PIPELINE_MARKETPLACE_SOURCES.")
        return named(self.sources, name)
