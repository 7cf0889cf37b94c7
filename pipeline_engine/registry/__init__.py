"""The actions that are installed, and the broken ones with their reason.

Built-in actions come through the same entry-point group as a stranger's package.
"""

from __future__ import annotations

from pipeline_engine.isolation.terms import GROUP, OWN_DISTRIBUTION, TRUSTING, Terms
from pipeline_engine.registry.action_registry import ActionRegistry, action_registry
from pipeline_engine.registry.chosen import ChosenActions
from pipeline_engine.registry.discovery import own_entry_points
from pipeline_engine.registry.registered import BrokenAction, InvalidPlugin, RegisteredAction
from pipeline_engine.registry.registry import Registry
from pipeline_engine.registry.reloading import ReloadingRegistry
from pipeline_engine.registry.versions import Versions

__all__ = [
    "GROUP",
    "OWN_DISTRIBUTION",
    "TRUSTING",
    "ActionRegistry",
    "BrokenAction",
    "ChosenActions",
    "InvalidPlugin",
    "RegisteredAction",
    "Registry",
    "ReloadingRegistry",
    "Terms",
    "Versions",
    "action_registry",
    "own_entry_points",
]
