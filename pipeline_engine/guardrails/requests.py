"""What a client may say in one request: the fields, and which of them go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID


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
        raise NotImplementedError
