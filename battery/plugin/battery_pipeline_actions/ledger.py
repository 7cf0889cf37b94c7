"""The ledger: one line for the begin and one for the end of every effect."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline_engine.sdk import ActionContext

LEDGER = "PE_BATTERY_LEDGER"
LETTERS = "PE_BATTERY_LETTERS"


@contextmanager
def effect(context: ActionContext, *, idempotent: bool) -> Iterator[None]:
    """Write down that an effect begins, and that it has ended."""
    entry = {
        "key": context.idempotency_key,
        "attempt": context.attempt,
        "idempotent": idempotent,
        "pid": os.getpid(),
    }
    append(os.environ[LEDGER], {**entry, "moment": "begin"})
    yield
    append(os.environ[LEDGER], {**entry, "moment": "end"})


def send_letter(callback_url: str) -> None:
    """Tell the outside world where it may answer."""
    append(os.environ[LETTERS], {"url": callback_url})


def append(path: str, entry: dict[str, object]) -> None:
    """Append one line in one write: lines of several processes do not mix."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, (json.dumps(entry) + "\n").encode())
    finally:
        os.close(file)
