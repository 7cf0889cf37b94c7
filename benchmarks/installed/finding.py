"""Finds all actions whose modules are imported already, and prints how long that took.

``python -m benchmarks.installed.finding``, in a process of its own: nothing is cached yet.
"""

from __future__ import annotations

import importlib
import time

import orjson

from pipeline_engine.registry import TRUSTING, Registry
from pipeline_engine.registry.discovery import installed


def main() -> None:
    """Import, then find."""
    for entry_point in installed():
        importlib.import_module(entry_point.module)
    began_at = time.perf_counter()
    found = Registry.discover(terms=TRUSTING)
    took = time.perf_counter() - began_at
    print(orjson.dumps({"seconds": took, "actions": len(found)}).decode())


if __name__ == "__main__":
    main()
