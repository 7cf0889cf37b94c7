"""Pages that are made from the code: ``make pages`` writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import expressions, peer_workflows, requests, sdk, settings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
GENERATED: dict[Path, Callable[[], str]] = {
    REFERENCE / "api.md": requests.page,
    REFERENCE / "expressions.md": expressions.page,
    REFERENCE / "peer-workflows.md": peer_workflows.page,
    REFERENCE / "sdk.md": sdk.page,
    # The other way round: the page is the writer, and what is installed quotes it.
    ROOT / "pipeline_engine" / "setting_meanings.json": settings.meanings,
}
