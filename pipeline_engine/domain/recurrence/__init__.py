"""When something is due again: cron, an interval, one moment, or never by itself.

Reading order: ``recurrence`` (what the rest of the engine sees), ``cron`` (what becomes of a
cron expression where clocks change), ``cron_expression`` (its five fields, which cronsim
understands), ``zones`` (when the clocks of a zone change), ``oddities`` (what such a change does
to single due times), then ``interval`` and ``once``.
"""

from __future__ import annotations

from pipeline_engine.domain.recurrence.cron import Doubled, Missing
from pipeline_engine.domain.recurrence.oddities import Odd, Oddity
from pipeline_engine.domain.recurrence.recurrence import EARLIEST, Kind, Recurrence
from pipeline_engine.domain.recurrence.zones import require_zones, zone_release

__all__ = [
    "EARLIEST",
    "Doubled",
    "Kind",
    "Missing",
    "Odd",
    "Oddity",
    "Recurrence",
    "require_zones",
    "zone_release",
]
