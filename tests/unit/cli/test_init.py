from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline_engine.cli import main
from pipeline_engine.config import Settings

SERVERS = {"DATABASE_URL": "postgresql://127.0.0.1/x", "REDIS_URL": "redis://127.0.0.1/0"}


def init(*words: str) -> Result:
    return CliRunner().invoke(main, ["init", *words])


def keys_in(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_a_folder_is_written_with_a_pipeline_that_is_right(tmp_path: Path) -> None:
    made = init(str(tmp_path / "new"), "--json")

    checked = CliRunner().invoke(main, ["validate", str(tmp_path / "new/release.json"), "--local"])
    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert made.exit_code == 0, made.output
    assert sorted(json.loads(made.stdout)["files"]) == written
    assert (checked.exit_code, checked.stdout) == (0, "valid: 3 steps\n")


def test_the_keys_are_fresh_fit_the_settings_and_are_read_by_their_owner_only(
    tmp_path: Path,
) -> None:
    for name in ("a", "b"):
        init(str(tmp_path / name))
    first, second = (keys_in(tmp_path / name) for name in ("a", "b"))

    assert Settings.from_env(first | SERVERS).secret_key == first["PIPELINE_SECRET_KEY"]
    assert set(first.values()).isdisjoint(second.values())
    assert stat.S_IMODE((tmp_path / "a" / ".env").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["README.md", ".env", "release.json", ".gitignore"])
def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    refused = init(str(tmp_path))

    assert refused.exit_code == 4
    assert name in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
