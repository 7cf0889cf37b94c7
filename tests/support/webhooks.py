"""Webhooks for tests, and somebody who calls them."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.scopes import EDITOR, ROLES
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import pipelines
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.services.webhooks import saving, secrets
from pipeline_engine.services.webhooks.door import Door, Knock, Receipt
from pipeline_engine.services.webhooks.stored import StoredWebhook
from pipeline_engine.storage.tables.webhooks import WebhookDelivery
from support.driving import Driver, Look
from support.factories import a_document, a_step

ALICE = Caller("alice", rights=ROLES[EDITOR], principal="env:user:alice")
KEY = "whk-test-secret-1"


@dataclass
class Hook:
    """A webhook of alice's, and the door of a process at which it is called."""

    runtime: Runtime
    stored: StoredWebhook
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        self.door = Door(self.runtime)

    @property
    def id(self) -> str:
        return str(self.stored.webhook.id)

    def knock(
        self,
        raw: bytes = b"{}",
        *,
        secret: str | None = KEY,
        now: datetime | None = None,
        address: str = "192.0.2.7",
        query: str = "",
        **headers: str,
    ) -> Receipt:
        """Call it; the names of headers are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given.setdefault("content-type", "application/json")
        if secret is not None and not any(name in given for name in PROOFS):
            given["x-webhook-secret"] = secret
        knock = Knock(webhook_id=self.id, raw=raw, headers=given, query=query, address=address)
        return self.door.receive(knock, now=now)

    def rotate(self, **given: Any) -> str:
        with self.runtime.sessions.begin() as session:
            made = secrets.rotate(ALICE, session, self.runtime, self.id, **given)
        assert made.secret is not None
        return made.secret

    def deliveries(self) -> list[WebhookDelivery]:
        with Session(self.runtime.engine, expire_on_commit=False) as session:
            return list(session.query(WebhookDelivery).order_by(WebhookDelivery.id))

    def outcomes(self) -> list[tuple[str, str | None]]:
        return [(one.outcome, one.code) for one in self.deliveries()]


PROOFS = frozenset({"x-webhook-secret", "webhook-signature", "x-hub-signature-256"})


def hooked_pipeline(runtime: Runtime, caller: Caller = ALICE, **document: Any) -> str:
    """A stored pipeline of *caller*'s."""
    fields = {"name": "hooked", **document}
    with runtime.sessions.begin() as session:
        request = PipelineRequest(document=a_document(a_step("a"), **fields))
        return str(pipelines.create(caller, session, runtime, request).pipeline.id)


def a_hook(runtime: Runtime, *, config: dict[str, Any] | None = None, **document: Any) -> Hook:
    """A webhook of a new pipeline, whose secret is ``KEY``."""
    given = {
        "pipeline_id": hooked_pipeline(runtime, **document),
        "name": "w",
        "config": config or {},
        "secret": KEY if (config or {}).get("require_secret", True) else None,
    }
    with runtime.sessions.begin() as session:
        return Hook(runtime, saving.create(ALICE, session, runtime, given))


def signed_by_body(raw: bytes, secret: str = KEY) -> dict[str, str]:
    """The header of a sender such as GitHub."""
    digest = hmac.new(secret.encode(), raw, "sha256").hexdigest()
    return {"x_hub_signature_256": f"sha256={digest}"}


def signed_message(raw: bytes, *, name: str, at: float, secret: str = KEY) -> dict[str, str]:
    """The headers of a sender of Standard Webhooks."""
    signed = f"{name}.{int(at)}.".encode() + raw
    mac = base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()
    return {
        "webhook_id": name,
        "webhook_timestamp": str(int(at)),
        "webhook_signature": f"v1,{mac}",
    }


def as_json(value: Any) -> bytes:
    return orjson.dumps(value)


def finished(driver: Driver, told: Receipt) -> Look:
    """The execution that a sender was told of, at its end."""
    driver.follow_webhooks()
    return driver.finish(told.execution_id)
