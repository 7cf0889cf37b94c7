"""Settings as administrators see them: of a secret only whether it is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pipeline_engine.config import Settings
from pipeline_engine.domain import json_guard
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.services.system.parts import Setting

MASKED = "masked"


def shown_settings(settings: Settings, redactor: Redactor) -> Sequence[Setting]:
    """Every setting with its value and what it means."""
    shown, meanings = [], _meanings()
    for field in fields(settings):
        if not (kind := field.metadata.get("variable")):
            continue
        value = getattr(settings, field.name)
        told = redactor.redact(_plain(value)) if field.repr else MASKED if value else None
        name = str(kind.data_key)
        shown.append(Setting(name, told, value == kind.load_default, meanings.get(name)))
    return shown


@cache
def _meanings() -> Mapping[str, str]:
    """What the reference says of each setting, by its name."""
    page = files("pipeline_engine").joinpath("setting_meanings.json")
    found: Mapping[str, str] = json_guard.loads(page.read_bytes())
    return found


def _plain(value: Any) -> Any:
    """*value* as JSON; what is none is a text without what is in it."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [_plain(member) for member in value]
    return MASKED if is_dataclass(value) or isinstance(value, bytes) else str(value)
