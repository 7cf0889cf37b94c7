"""The engine's own worker app with the raw tasks added, so that both run in one process."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.ledger import LEDGER_VARIABLE, Ledger
from benchmarks.raw import register_tasks
from benchmarks.without import go_without
from pipeline_engine.worker import app

go_without()
register_tasks(Ledger(Path(os.environ[LEDGER_VARIABLE])), app)

__all__ = ["app"]
