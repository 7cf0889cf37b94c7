"""A third party that calls a webhook: patient, sometimes twice, sometimes with a wrong secret."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from threading import Lock
from typing import Any

from battery.client import Answer, Api
from battery.evidence import SentWebhook

DOCUMENT: Mapping[str, Any] = {
    "name": "battery-hooked",
    "parameters": [{"name": "key", "type": "string", "required": True}],
    "steps": [{"id": "say", "name": "say", "action": "log", "params": {"message": "called"}}],
}
CONFIG: Mapping[str, Any] = {
    "map": {"key": "{{ body.key }}"},
    "dedupe_key": "{{ body.key }}",
    "max_per_minute": 100_000,
}
DOUBLED, FORGED = 0.3, 0.1  #: so many calls


class Hooks:
    """One webhook, and all that it was sent."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._path = ""
        self._secret = ""
        self._lock = Lock()
        self._sent: list[SentWebhook] = []

    @property
    def sent(self) -> list[SentWebhook]:
        """What was sent so far."""
        with self._lock:
            return list(self._sent)

    def store(self) -> None:
        """Make the webhook, and the pipeline that it starts."""
        key = {"Idempotency-Key": str(DOCUMENT["name"])}
        pipeline = self._api.insist("/api/v1/pipelines", {"dag": DOCUMENT}, key)
        assert pipeline.is_accepted, pipeline
        wanted = {"pipeline_id": pipeline.body["id"], "name": "battery", "config": CONFIG}
        made = self._api.insist("/api/v1/webhooks", wanted)
        assert made.is_accepted, made
        self._path = f"/trigger/{made.body['id']}"
        self._secret = str(made.body["secret"])

    def call(self, chooser: Random) -> None:
        """Send a delivery until it is accepted, if there is a webhook."""
        if not self._path:
            return
        key = f"{chooser.getrandbits(128):032x}"
        for _ in range(2 if chooser.random() < DOUBLED else 1):
            self._note(key, self._api.insist(self._path, {"key": key}, self._proof(self._secret)))
        if chooser.random() < FORGED:
            forged = f"forged-{key}"
            answer = self._api.send(self._path, {"key": forged}, self._proof(key))
            self._note(forged, answer)

    def _proof(self, secret: str) -> Mapping[str, str]:
        return {"X-Webhook-Secret": secret}

    def _note(self, key: str, answer: Answer) -> None:
        told = str(answer.body["execution_id"]) if answer.is_accepted else None
        with self._lock:
            self._sent.append(SentWebhook(key, told))
