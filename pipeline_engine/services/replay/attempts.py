"""The attempts of one row in a history: numbered upwards, tried again by the rules, one end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline_engine.domain import retries
from pipeline_engine.domain.definitions import OnFailure, PipelineSettings, StepDefinition
from pipeline_engine.services.replay.recorded import Recorded
from pipeline_engine.storage.tables.events import EventType


@dataclass(slots=True)
class Row:
    """A step, an item, a handler or a compensation, as far as its history has been read."""

    definition: StepDefinition
    name: str  #: for sentences
    attempt: int = 0
    retried: int = 0
    waits_again: bool = False  #: its worker died, and nobody has taken it since
    items: int = 0  #: that it was expanded into
    end: Recorded | None = None
    its_items: list[Row] = field(default_factory=list)

    def read(self, event: Recorded, settings: PipelineSettings) -> Iterator[str]:
        """Take one event of this row; what is wrong with it by itself."""
        if self.end is not None:
            yield f"{self.name}: {event.type.value} after its end"
        yield from self._fenced(event)
        self.waits_again = event.type is EventType.STEP_RECOVERED
        if event.type is EventType.STEP_RETRYING:
            self.retried += 1
            yield from self._retried(event, settings)
        elif self.waits_again and self.definition.idempotent is False:
            yield f"{self.name} was recovered, but must not be repeated"
        elif event.type is EventType.STEP_EXPANDED:
            self.items += int(event.details.get("items", 0))
        elif event.end is not None:
            self.end = event

    def _fenced(self, event: Recorded) -> Iterator[str]:
        attempt = int(event.details.get("attempt", self.attempt))
        begins = event.type is EventType.STEP_STARTED
        if attempt < self.attempt or (begins and attempt == self.attempt):
            yield (
                f"{self.name}: {event.type.value} of attempt {attempt},"
                f" but attempt {self.attempt} had begun"
            )
        self.attempt = max(attempt, self.attempt)

    def _retried(self, event: Recorded, settings: PipelineSettings) -> Iterator[str]:
        if self.definition.on_failure is not OnFailure.RETRY and self.definition.retry is None:
            yield f"{self.name} was tried again, but has no retries"
            return
        if self.items:
            yield f"{self.name} was tried again, but had made its items"
        config = self.definition.retry or settings.retry_policy
        code = event.details.get("error_code")
        # Without a configuration of its own the action, or the installation, has one.
        if config and not retries.should_retry(config, self.retried, code, retryable=True):
            yield f"{self.name} was tried again after {self.retried} failures, the last: {code}"
