"""What an author saves is live at the next look; what is broken leaves the old one in place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.authors import Author, an_author

from pipeline_engine.registry import ReloadingRegistry


@pytest.fixture
def author(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Author]:
    with an_author(tmp_path, f"author_{abs(hash(request.node.name))}") as made:
        yield made


def test_a_saved_file_is_live_at_the_next_look_though_it_has_the_size_and_second_of_the_old(
    author: Author,
) -> None:
    before = author.look()

    for word in ("again", "other"):
        author.save("words", f"WORD = '{word}'")
        author.look()
        assert author.said("one") == author.said("two") == {"said": word, "late": word}

    assert author.registry.changes == before + 2
    assert len(author.registry.news()) == 2
    assert author.look() == before + 2, "nothing was saved since"


def test_files_are_not_looked_at_more_often_than_fifty_times_a_second(author: Author) -> None:
    before = author.registry.look(now=10.0)
    author.save("words", "WORD = 'next'")

    assert author.registry.look(now=10.01) == before
    assert author.registry.look(now=10.02) == before + 1


def test_a_file_that_was_emptied_is_looked_at_when_it_is_written_or_stays_empty(
    author: Author,
) -> None:
    """Many editors save in two moves; between them the file is no fault of its author's."""
    before = author.look()
    author.save("one", "")

    assert author.look() == before
    author.save("one", "x = = 1")
    assert author.look() == before + 1

    author.save("one", "")
    assert author.look() == before + 1
    os.utime(author.folder / "one.py", (1, 1))
    assert author.look() == before + 2


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("x = = 1", "one.py:1: SyntaxError"),
        ("\n\nx = y", "one.py:3: NameError: name 'y' is not defined"),
        ("from .words import NOTHING", "one.py:1: ImportError"),
        ("Say = 3", "missing 'meta' attribute"),
    ],
)
def test_a_broken_file_leaves_the_old_action_and_says_why_and_where(
    broken: str, reason: str, author: Author
) -> None:
    author.save("one", broken)
    author.save("words", "WORD = 'new'")
    author.look()

    name, why = next((n, b.reason) for n, b in author.registry.broken.items())
    assert reason in why
    assert why.endswith("the one that was loaded before stays in use")
    assert name in author.registry, "the old one"
    assert author.said("one")["said"] == "first"
    assert author.said("two")["said"] == "new", "its neighbour is live"
    (change,) = author.registry.news()
    assert (list(change.broken), len(change.live)) == ([name], 1)

    author.save_action("one")
    author.look()

    assert not author.registry.broken
    assert author.said("one")["said"] == "new"


def test_an_executor_that_cannot_be_made_is_broken_too(author: Author) -> None:
    author.save("one", (author.folder / "one.py").read_text().replace("execute", "exequte"))
    author.look()

    (broken,) = author.registry.broken.values()
    assert "TypeError" in broken.reason
    assert author.said("one")["said"] == "first"


def test_a_new_version_takes_the_place_of_the_old_one(author: Author) -> None:
    author.save_action("one", version="2.0.0")
    author.look()

    (kind,) = {a.meta.type for a in author.registry if a.meta.type.endswith("_one")}
    assert author.registry.versions(kind).texts == ["2.0.0"]


def test_what_is_installed_for_good_is_not_watched() -> None:
    registry = ReloadingRegistry.discover([])

    assert registry.look(now=0.0) == registry.look(now=1.0)
