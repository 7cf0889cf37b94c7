"""What was stored before still makes the same rows."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from support.old_definitions import old_definitions

from pipeline_engine.config import Settings
from pipeline_engine.domain.definitions import parse
from pipeline_engine.registry import Registry
from pipeline_engine.scheduler.plan.plan import Plan

LEAST = {
    "DATABASE_URL": "postgresql://me@localhost/db",
    "REDIS_URL": "redis://localhost:6379/0",
    "PIPELINE_SECRET_KEY": "sixteen letters!",
}
#: Digests of the first rows of each, made by the version before blocks, catches and races.
KNOWN = Path(__file__).with_name("old_definitions.txt").read_text(encoding="utf-8").split()


def test_the_first_rows_of_old_definitions_are_what_they_were():
    settings, registry = Settings.from_env(LEAST), Registry(Registry.discover())

    made = [
        sha256(Plan(parse(document), settings, registry).first_steps.json.encode()).hexdigest()
        for document in old_definitions(200)
    ]

    assert made == KNOWN
