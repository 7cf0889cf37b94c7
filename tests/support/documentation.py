"""What the documentation says, in a form that tests can compare with the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def pages() -> tuple[Path, ...]:
    """Every page that we wrote."""
    return (*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")))


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced pieces of *page* in these languages."""
    fenced = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for language, text in fenced if language in languages]


def prose(page: Path) -> str:
    """A page without its fenced pieces."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def table(page: Path, heading: str) -> dict[str, tuple[str, ...]]:
    """The rows below *heading*: the other cells by the word in the first one."""
    section = re.split(r"^#+ ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(f"{heading}\n"))
    return dict(_rows(text))


def _rows(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for line in text.splitlines():
        if line.startswith("| `"):
            first, *others = (cell.strip() for cell in line.strip().strip("|").split(" | "))
            yield first.strip("` |"), tuple(others)


def words(cell: str) -> set[str]:
    """The words in backticks of one cell."""
    return set(re.findall(r"`([^`]+)`", cell))


def links(page: Path) -> list[str]:
    """Where the links of *page* lead that do not leave the repository."""
    return [link for link in LINK.findall(prose(page)) if not link.startswith("https://")]


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings of *page*."""
    titles = HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
