"""A file to which every process appends one line for each thing that it did."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from pipeline_engine.sdk import ActionContext


def note(context: ActionContext, what: str) -> None:
    """Append one line; short appends of several processes do not mix."""
    entry: dict[str, Any] = {
        "what": what,
        "step": context.step_id,
        "item": context.item_index,
        "attempt": context.attempt,
        "key": context.idempotency_key,
        "pid": os.getpid(),
    }
    with Path(context.params["ledger"]).open("a") as ledger:
        ledger.write(json.dumps(entry) + "\n")


def count(context: ActionContext, what: str) -> int:
    """Return how often this step has done something, over all attempts and processes."""
    with Path(context.params["ledger"]).open() as ledger:
        entries = [json.loads(line) for line in ledger]
    return sum((e["what"], e["key"]) == (what, context.idempotency_key) for e in entries)


def wait_for_others(context: ActionContext, count: int, *, within: float = 90.0) -> None:
    """Wait until others have finished so often; raises ``TimeoutError``."""
    ends_at = time.monotonic() + within
    while Path(context.params["ledger"]).read_text().count('"finished"') < count:
        if time.monotonic() > ends_at:
            raise TimeoutError(f"not {count} others have finished")
        time.sleep(0.02)
