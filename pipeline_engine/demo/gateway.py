"""The gateway's own Redis, as the gateway would fill and read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from redis import Redis

GUARDRAILS, ENDPOINTS = "guardrail_table:", "model_table:"


@dataclass(frozen=True, slots=True)
class Guards:
    """What a gateway reads of guardrails at one moment."""

    tables: dict[str, dict[str, Any]]  #: by the id of the profile
    endpoints: dict[str, str | None]  #: the profile that guards each endpoint


class Gateway:
    """What stands in a gateway's Redis."""

    def __init__(self, redis_url: str) -> None:
        self.redis_url = redis_url
        self._redis = Redis.from_url(redis_url, decode_responses=True)

    def serve(self, *endpoint_ids: str) -> None:
        """Know these endpoints; nothing guards them yet."""
        for one in endpoint_ids:
            self._redis.set(f"{ENDPOINTS}{one}", json.dumps({"routing": ["vllm"]}))

    def guards(self) -> Guards:
        """Return which tables there are, and whom they guard."""
        found = {one: facts.get("guardrail_profile") for one, facts in self._all(ENDPOINTS).items()}
        return Guards(self._all(GUARDRAILS), found)

    def _all(self, prefix: str) -> dict[str, dict[str, Any]]:
        keys = sorted(self._redis.scan_iter(f"{prefix}*"))
        texts = ((key, self._redis.get(key) or "{}") for key in keys)
        return {key.removeprefix(prefix): json.loads(text) for key, text in texts}
