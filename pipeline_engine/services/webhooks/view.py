"""A webhook as the door sees it: read from PostgreSQL, or from the copy in Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from pipeline_engine.domain.sealing import Sealer
from pipeline_engine.domain.webhooks.config import WebhookConfig
from pipeline_engine.domain.webhooks.proofs import Candidate
from pipeline_engine.storage.standing_orders import DisabledReason

GONE = frozenset(DisabledReason)


def place_of(webhook_id: UUID | str, secret_id: UUID | str) -> str:
    """The place that is bound into a sealed secret."""
    return f"webhook:{webhook_id}:{secret_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that has to be known of a webhook to answer who calls it."""

    id: UUID
    owner: str | None
    pipeline_id: UUID | None
    enabled: bool
    disabled_reason: str | None
    config: WebhookConfig
    version: int
    secrets: tuple[Mapping[str, Any], ...] = field(repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> View:
        """That of a document as ``storage/webhooks.py`` makes it."""
        pipeline_id = document["pipeline_id"]
        return cls(
            id=UUID(document["id"]),
            owner=document["owner"],
            pipeline_id=None if pipeline_id is None else UUID(pipeline_id),
            enabled=document["enabled"],
            disabled_reason=document["disabled_reason"],
            config=WebhookConfig.of(document["config"]),
            version=document["version"],
            secrets=tuple(document["secrets"]),
        )

    @property
    def is_gone(self) -> bool:
        """Whether its pipeline was deleted or archived."""
        return self.pipeline_id is None or self.disabled_reason in GONE

    def candidates(self, sealer: Sealer, now: datetime) -> list[Candidate]:
        """The secrets that count now."""
        return [
            Candidate(one["id"], one["digest"], partial(self._opened, sealer, one))
            for one in self.secrets
            if one["expires_at"] is None or now < datetime.fromisoformat(one["expires_at"])
        ]

    def _opened(self, sealer: Sealer, secret: Mapping[str, Any]) -> str:
        text: str = sealer.open(secret["sealed"], place_of(self.id, secret["id"])).value
        return text
