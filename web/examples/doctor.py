"""The example of a look at the installation."""

from __future__ import annotations

from collections.abc import Mapping

from .example import Example

EXAMPLES: Mapping[str, Example] = {
    "get_doctor": Example(
        answer={
            "is_well": False,
            "checks": [
                {
                    "name": "redis_eviction",
                    "is_well": False,
                    "says": "maxmemory-policy allkeys-lru",
                    "what_to_do": "Set maxmemory-policy noeviction: a full Redis must refuse"
                    " messages, not forget them.",
                }
            ],
        }
    ),
}
