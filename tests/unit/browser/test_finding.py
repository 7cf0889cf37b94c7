"""Which browser the tests of the console take, and what they say where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browsers import NEEDED, browser_of_tests

from browser.fetching import HOST, NotFetched, fetch
from browser.finding import NAMED, NoBrowser, find

NOBODY = "http://127.0.0.1:9"


def program(folder: Path, name: str, *, starts: bool = True) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {0 if starts else 1}\n")
    path.chmod(0o755)
    return path


def test_the_one_that_is_named_is_taken_before_the_one_on_path(tmp_path: Path) -> None:
    program(tmp_path / "bin", "chromium")
    named = program(tmp_path, "mine")

    assert find({NAMED: str(named), "PATH": str(tmp_path / "bin")}, tmp_path) == named


def test_where_the_named_one_is_not_there_no_other_is_taken(tmp_path: Path) -> None:
    program(tmp_path, "chromium")

    with pytest.raises(NoBrowser, match=r"PIPELINE_BROWSER is /nowhere.*make browser"):
        find({NAMED: "/nowhere", "PATH": str(tmp_path)}, tmp_path)


def test_a_program_that_only_tells_of_another_package_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "chromium", starts=False)
    chrome = program(tmp_path, "google-chrome")

    assert find({"PATH": str(tmp_path)}, tmp_path) == chrome


def test_the_newest_that_was_fetched_is_taken_where_path_has_none(tmp_path: Path) -> None:
    for number in (1254, 1255):
        name = f"chromium_headless_shell-{number}/chrome-linux/chrome-headless-shell"
        fetched = program(tmp_path, name)

    assert find({"PATH": ""}, tmp_path) == fetched
    with pytest.raises(NoBrowser, match="put Chromium on PATH"):
        find({"PATH": ""}, tmp_path / "empty")


def test_a_registry_that_does_not_answer_is_named_and_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(NotFetched, match=rf"{NOBODY} does not answer"):
        fetch({HOST: NOBODY}, tmp_path)


def test_without_a_browser_tests_are_left_out_and_fail_where_one_is_needed() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"not looked at.*make browser"):
        browser_of_tests({NAMED: "/nowhere"})
    with pytest.raises(pytest.fail.Exception, match="make browser"):
        browser_of_tests({NAMED: "/nowhere", NEEDED: "1"})
