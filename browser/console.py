"""The console on disk: what was built, and what its pages are judged with."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILT = ROOT / "web" / "static" / "console"
SOURCES = ROOT / "web" / "console"
AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"
#: As the sources write them: ``export const PIPELINES = "/console/pipelines";``.
ADDRESS = re.compile(r"^export const (\w+) = ([\"`].+[\"`]);$", re.M)
PATH = re.compile(r"^    path: (.+),$", re.M)
QUOTES = '"`'


def is_built() -> bool:
    """Whether there are pages to look at; without npm's registry there are none."""
    return (BUILT / "index.html").is_file() and AXE.is_file()


def registered() -> list[str]:
    """The paths of all pages, as the application has them: ``/console/executions/:id``.

    Raises ``KeyError`` for an address that is written in another way, for nobody would miss it.
    """
    sources = SOURCES / "src"
    known: dict[str, str] = {}
    for name, text in ADDRESS.findall((sources / "addresses.ts").read_text()):
        known[name] = _whole(text, known)
    return [_whole(text, known) for text in PATH.findall((sources / "pages.ts").read_text())]


def _whole(text: str, known: dict[str, str]) -> str:
    """What a text of TypeScript says, quoted or the name of another."""
    if text[0] not in QUOTES:
        return known[text]
    return re.sub(r"\$\{(\w+)\}", lambda found: known[found[1]], text.strip(QUOTES))
