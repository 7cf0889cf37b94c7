"""Stored actions: what owners make of the installed ones, as data.

``catalogue.py`` is how definitions see them, ``reading.py`` how people do, ``saving.py`` makes
and changes them.
"""

from __future__ import annotations

from pipeline_engine.services.stored_actions.catalogue import (
    OwnersCatalogue,
    catalogue_of,
    catalogue_read,
)
from pipeline_engine.services.stored_actions.reading import (
    OwnersActions,
    ShownStored,
    get,
    marks_of,
    metas_of,
    problems,
    shown_to,
    versions_of,
)
from pipeline_engine.services.stored_actions.saving import create, delete, replace

__all__ = [
    "OwnersActions",
    "OwnersCatalogue",
    "ShownStored",
    "catalogue_of",
    "catalogue_read",
    "create",
    "delete",
    "get",
    "marks_of",
    "metas_of",
    "problems",
    "replace",
    "shown_to",
    "versions_of",
]
