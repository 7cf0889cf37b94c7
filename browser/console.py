"""The console on disk: what was built, and what its pages are judged with."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "web" / "static" / "console"
SOURCES = ROOT / "web" / "console"
AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"


def is_built() -> bool:
    """Whether there are pages to look at; without npm's registry there are none."""
    return (BUILT / "index.html").is_file() and AXE.is_file()


def registered() -> list[str]:
    """The paths of all pages, as the application has them: ``/console/executions/:id``."""
    return re.findall(r'^    path: "(.+)",$', (SOURCES / "src" / "pages.ts").read_text(), re.M)
