"""What the product does, one verb phrase per function; the API, the CLI and the worker call it.

The first argument is the caller, who is answered about what he may see (``storage/visibility.py``).
The next says whose transaction it is: that of a ``session`` is committed by whoever opened it; with
a ``runtime`` only, the service has its own, as it sends messages after the commit.
"""

from __future__ import annotations

from pipeline_engine.domain.audit_log import Act
from pipeline_engine.domain.callers import OWNER_ID, USER_ID, Caller, Origin
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.json_guard import loads as load_json
from pipeline_engine.domain.scopes import Scope
from pipeline_engine.scheduler.runtime import Runtime, tune_gc

__all__ = [
    "OWNER_ID",
    "USER_ID",
    "Act",
    "Caller",
    "JsonRejected",
    "Origin",
    "Runtime",
    "Scope",
    "load_json",
    "tune_gc",
]
