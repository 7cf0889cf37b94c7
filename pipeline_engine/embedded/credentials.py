"""Passwords and keys of one stack: made once, kept with it, printed by ``env`` only."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path


def _fresh() -> str:
    return secrets.token_hex(24)  # goes unquoted into URLs and configuration files


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the processes of one stack know each other by."""

    postgres_password: str = field(default_factory=_fresh, repr=False)
    valkey_password: str = field(default_factory=_fresh, repr=False)
    flower_password: str = field(default_factory=_fresh, repr=False)
    api_token: str = field(default_factory=_fresh, repr=False)
    secret_key: str = field(default_factory=_fresh, repr=False)

    @classmethod
    def of(cls, path: Path) -> Credentials:
        """Read the credentials at *path*, or make them and write them there."""
        if path.exists():
            return cls(**json.loads(path.read_text()))
        made = cls()
        write_private(path, json.dumps(asdict(made), indent=2))
        return made


def write_private(path: Path, text: str) -> None:
    """Replace a file at once with one that only we can read."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_text(text)
    fresh.rename(path)
