"""What the installation is made of now.

To be read in this order: ``parts`` (what is told), ``asking`` (what each server and process says),
``shown_settings``, ``description`` (all of it together).
"""

from __future__ import annotations

from pipeline_engine.services.system.description import describe
from pipeline_engine.services.system.parts import Installation

__all__ = ["Installation", "describe"]
