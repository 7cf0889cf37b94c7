"""The attempts of one row in a history: numbered upwards, tried again by the rules, one end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline_engine.domain import retries
from pipeline_engine.domain.definitions import OnFailure, PipelineSettings, StepDefinition
from pipeline_engine.domain.paths import inside
from pipeline_engine.services.audit.findings import Disagreement, Finding
from pipeline_engine.services.audit.recorded import Recorded
from pipeline_engine.storage.tables.events import EventType


@dataclass(slots=True)
class Row:
    """A step, an item, a handler or a compensation, as far as its history has been read."""

    definition: StepDefinition
    item_index: int | None = None
    within: str | None = None  #: the blocks around it
    attempt: int = 0
    retried: int = 0
    waits_again: bool = False  #: its worker died, and nobody has claimed it since
    items: int = 0  #: that it was expanded into
    steps: int = 0  #: that its attempt was opened into, if it is a block
    compensations: int = 0  #: that undo them
    end: Recorded | None = None
    its_items: list[Row] = field(default_factory=list)
    failures: list[str | None] = field(default_factory=list)  #: codes, of those tried again

    @property
    def opens(self) -> bool:
        """Whether it is opened into steps, and not into items or rounds."""
        if self.item_index is not None:
            return self.definition.block is not None
        return self.definition.block is not None and not self.definition.repeats_block

    @property
    def inside(self) -> str:
        """Where the steps are that its attempt is opened into."""
        own = self.definition.id
        return inside(own, self.item_index, self.within, attempt=self.retried + 1)

    @property
    def made(self) -> int:
        """The rows that it has to wait for."""
        return self.items + self.steps

    def differs(self, code: Disagreement, *, found: str, expected: str) -> Finding:
        """A finding about this row."""
        return Finding(
            code=code,
            step_id=self.definition.id,
            item_index=self.item_index,
            within=self.within,
            found=found,
            expected=expected,
        )

    def read(self, event: Recorded, settings: PipelineSettings) -> Iterator[Finding]:
        """Read one event of this row, and yield what is wrong with it by itself."""
        if self.end is not None:
            yield self.differs(
                Disagreement.AFTER_THE_END,
                found=f"{event.type.value} after its {self.end.type.value}",
                expected="nothing after its end",
            )
        yield from self._fenced(event)
        self.waits_again = event.type is EventType.STEP_RECOVERED
        if event.type is EventType.STEP_RETRYING:
            self.retried += 1
            yield from self._retried(event, settings)
            self.steps = self.compensations = 0
        elif self.waits_again and self.definition.idempotent is False:
            yield self.differs(
                Disagreement.WRONG_RETRY,
                found="recovered after its worker was lost",
                expected="a failure, because it must not be repeated",
            )
        elif event.type is EventType.STEP_EXPANDED:
            self.items += int(event.details.get("items", 0))
            self.steps += int(event.details.get("steps", 0))
            self.compensations += int(event.details.get("compensations", 0))
        elif event.end is not None:
            self.end = event

    def _fenced(self, event: Recorded) -> Iterator[Finding]:
        attempt = int(event.details.get("attempt", self.attempt))
        begins = event.type is EventType.STEP_STARTED
        if attempt < self.attempt or (begins and attempt == self.attempt):
            yield self.differs(
                Disagreement.WRONG_ATTEMPT,
                found=f"{event.type.value} of attempt {attempt} after attempt {self.attempt} began",
                expected=f"attempt {self.attempt + begins} or a later one",
            )
        self.attempt = max(attempt, self.attempt)

    def _retried(self, event: Recorded, settings: PipelineSettings) -> Iterator[Finding]:
        if self.definition.on_failure is not OnFailure.RETRY and not self.definition.retry:
            yield self._must_not_retry("tried again", expected="an end, because it has no retries")
            return
        if self.items:
            yield self._must_not_retry(
                "tried again after it had made its items", expected="only its items tried again"
            )
        policies = self.definition.retry or settings.retry_policy
        code = event.details.get("error_code")
        self.failures.append(code)
        if not policies:
            return  # the action, or the installation, has one
        policy = retries.deciding(policies, code)
        failed = retries.failures_of(policy, policies, self.failures) if policy else 0
        if policy is None or failed >= policy.max_attempts:
            most = policy.max_attempts if policy else 1
            yield self._must_not_retry(
                f"tried again after failure {failed or self.retried}, which was"
                f" {code or 'without a code'}",
                expected=f"an end: it has {most} attempts",
            )

    def _must_not_retry(self, found: str, *, expected: str) -> Finding:
        return self.differs(Disagreement.WRONG_RETRY, found=found, expected=expected)
