"""Streams: what happens, told to those who follow it, in an order that never changes.

``places`` (where somebody is, and what an id says of that), ``opening`` (whether somebody may
follow, and from where), ``news`` (what is next for all who follow, in a few questions).
"""

from __future__ import annotations

from pipeline_engine.services.streams.news import News, Newsroom, Turn
from pipeline_engine.services.streams.opening import Opening, open_everything, open_execution
from pipeline_engine.services.streams.places import Ended, Follow, Gap, Place, Sight

__all__ = [
    "Ended",
    "Follow",
    "Gap",
    "News",
    "Newsroom",
    "Opening",
    "Place",
    "Sight",
    "Turn",
    "open_everything",
    "open_execution",
]
