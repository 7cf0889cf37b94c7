"""Write every generated page."""

from __future__ import annotations

from . import GENERATED

for path, make in GENERATED.items():
    path.write_text(make(), encoding="utf-8")
