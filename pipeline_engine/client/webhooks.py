"""The calls about webhooks: ``Client.webhooks``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import requests

from pipeline_engine.errors import NotFound

Json = dict[str, Any]


class Webhooks:
    """One method per call; what they return are the API's own documents."""

    def __init__(self, send: Callable[..., requests.Response]) -> None:
        self._send = send

    def list(self, **filters: Any) -> list[Json]:
        """Return webhooks, newest first; never a secret."""
        found: list[Json] = self._send("GET", "webhooks", params=filters).json()
        return found

    def find(self, name_or_id: str) -> Json:
        """Return the webhook with this id or name; raises ``NotFound``, also if several have it."""
        try:
            return self._object("GET", f"webhooks/{UUID(name_or_id)}")
        except ValueError:
            found = [one for one in self.list() if one["name"] == name_or_id]
        if len(found) > 1:
            ids = ", ".join(one["id"] for one in found)
            raise NotFound(f"Several webhooks are called {name_or_id!r}; take an id: {ids}")
        if not found:
            raise NotFound(f"There is no webhook {name_or_id!r}.")
        return found[0]

    def create(self, **wanted: Any) -> Json:
        """Make a webhook; its secret is in the answer, and nowhere else."""
        return self._object("POST", "webhooks", json=wanted)

    def change(self, webhook_id: str, **change: Any) -> Json:
        """Change what is given of a webhook."""
        return self._object("PUT", f"webhooks/{webhook_id}", json=change)

    def delete(self, webhook_id: str) -> None:
        """Delete a webhook."""
        self._send("DELETE", f"webhooks/{webhook_id}")

    def rotate_secret(self, webhook_id: str, **wanted: Any) -> Json:
        """Give it a new secret; *wanted* may have ``overlap_seconds`` and ``secret``."""
        return self._object("POST", f"webhooks/{webhook_id}/rotate-secret", json=wanted)

    def revoke_secret(self, webhook_id: str, secret_id: str | None = None) -> Json:
        """End a secret now; without an id all but the newest."""
        body = {"secret_id": secret_id}
        return self._object("POST", f"webhooks/{webhook_id}/revoke-secret", json=body)

    def test(self, webhook_id: str, body: Any, **sent: Any) -> Json:
        """Let *body* come in; *sent* may have ``headers``, ``query`` and ``dry_run``."""
        return self._object("POST", f"webhooks/{webhook_id}/test", json={"body": body, **sent})

    def deliveries(self, webhook_id: str, **filters: Any) -> Json:
        """Return one page of what came in, newest first."""
        return self._object("GET", f"webhooks/{webhook_id}/deliveries", params=filters)

    def _object(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._send(method, path, **request).json()
        return answer
