"""Why somebody is turned away at a webhook, or why it cannot be saved."""

from __future__ import annotations

from typing import Any, ClassVar

from pipeline_engine.errors import NotFound, PipelineEngineError


class _Said(PipelineEngineError):
    """A refusal in the words of the reference service."""

    words: ClassVar[str]

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        super().__init__(message or self.words, **facts)


class WebhookNotFound(_Said, NotFound):
    """There is no such webhook."""

    code = "webhook_not_found"
    words = "Webhook not found"


class WebhookSecretNotFound(NotFound):
    """The webhook has no such secret that could be revoked."""

    code = "webhook_secret_not_found"


class WebhookDisabled(_Said):
    """The webhook is disabled by its owner."""

    code = "webhook_disabled"
    words = "Webhook is disabled"


class PipelineGone(PipelineEngineError):
    """The pipeline that this starts was deleted or archived."""

    code = "pipeline_gone"


class InvalidWebhookSecret(_Said):
    """The request does not prove a secret of the webhook that counts now."""

    code = "invalid_webhook_secret"
    words = "Invalid secret"


class AddressNotAllowed(_Said):
    """The webhook may not be called from this address."""

    code = "address_not_allowed"
    words = "IP not allowed"


class InvalidWebhook(PipelineEngineError):
    """What was sent cannot be a webhook."""

    code = "invalid_webhook"


class DedupeKeyFailed(PipelineEngineError):
    """The expression of dedupe_key cannot be evaluated for this request."""

    code = "dedupe_key_failed"
