"""Installing with the real pip: as a whole or not at all, and in nobody's place."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.packages import a_listing, a_wheel, an_action

from pipeline_engine.marketplace import environment as places
from pipeline_engine.marketplace import installing, refusals, wheels
from pipeline_engine.marketplace.environment import Environment
from pipeline_engine.marketplace.format.index import Listing
from pipeline_engine.marketplace.format.signing import SigningKey
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.sources import opened

from .conftest import NOW, Market, make_environment

KEY = SigningKey.generate()
#: A pip that installs, and writes other entry points than those of the wheel.
BENT = """#!/bin/sh
{python} "$@" || exit 1
case "$*" in *.whl) echo "[pipeline_engine.actions]
acme_evil = acme_greetings:Action" > {points} ;; esac
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that tests only look at, after what the first one has installed."""
    return make_environment(tmp_path_factory.mktemp("shared") / "venv")


def planned(
    market: Market, wanted: str, memory: Memory, environment: Environment
) -> installing.Plan:
    shelf = opened(market.source(), memory, now=NOW)
    return installing.planned([shelf], wanted, memory, environment)


def said(environment: Environment) -> str:
    """The version that the installed module itself says."""
    found = re.search(r'version="(.+?)"', (environment.site / "acme_greetings.py").read_text())
    return found[1] if found else ""


def test_a_package_is_installed_replaced_and_kept_when_its_successor_is_not_what_it_should_be(
    market: Market, memory: Memory, environment: Environment, a_dependency: str
) -> None:
    first = planned(market, "acme-greetings@1.0.0", memory, environment)
    installing.carry_out(first, memory, environment, now=NOW)
    assert (environment.version_of("acme-greetings"), said(environment)) == ("1.0.0", "1.0.0")

    second = planned(market, "acme-greetings", memory, environment)
    assert (second.replaces, second.release.version) == ("1.0.0", "2.0.0")
    second = replace(second, missing=[a_dependency])
    with pytest.raises(refusals.InstallFailed, match="other actions"):
        installing.carry_out(second, memory, bent(environment), now=NOW, with_dependencies=True)
    assert (environment.version_of("acme-greetings"), said(environment)) == ("1.0.0", "1.0.0")
    assert environment.version_of(a_dependency) is None
    assert memory.installed()["acme-greetings"]["version"] == "1.0.0"

    installing.carry_out(second, memory, environment, now=NOW, with_dependencies=True)
    assert (environment.version_of("acme-greetings"), said(environment)) == ("2.0.0", "2.0.0")
    assert environment.version_of(a_dependency) == "1.0.0"
    assert memory.source_of("acme-greetings") == "acme"
    assert planned(market, "acme-greetings", memory, environment).is_here


@pytest.fixture
def a_dependency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that pip finds where it is configured to look: in a folder, and nowhere else."""
    a_wheel(tmp_path / "links", "acme-words", files={"acme_words.py": ""}, entry_points="")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    return "acme-words"


def bent(environment: Environment) -> Environment:
    python = environment.site / "bent"
    points = environment.site / "acme_greetings-2.0.0.dist-info" / "entry_points.txt"
    python.write_text(BENT.format(python=environment.python, points=points))
    python.chmod(0o755)
    return replace(environment, python=str(python))


def test_a_package_that_came_from_another_source_is_not_replaced(
    market: Market, memory: Memory, environment: Environment
) -> None:
    memory.came_from("acme-greetings", {"source": "official", "version": "0.9", "key": ""})
    (environment.site / "acme_greetings-0.9.dist-info").mkdir()
    metadata = environment.site / "acme_greetings-0.9.dist-info" / "METADATA"
    metadata.write_text("Metadata-Version: 2.1\nName: acme-greetings\nVersion: 0.9\n")

    with pytest.raises(refusals.AmbiguousPackage, match="official"):
        planned(market, "acme-greetings", memory, environment)


def test_a_package_that_two_sources_have_is_installed_from_neither(
    market: Market, memory: Memory, shared: Environment
) -> None:
    shelves = [opened(market.source(name=name), memory, now=NOW) for name in ("acme", "community")]

    with pytest.raises(refusals.AmbiguousPackage, match="acme, community"):
        installing.planned(shelves, "acme-greetings", memory, shared)
    assert installing.planned(shelves[1:], "acme-greetings", memory, shared).source == "community"


# ── Whose names and files they are ───────────────────────────────────────────────────────


def listed(wheel: Path) -> Listing:
    return a_listing(wheel, KEY, now=NOW)


@pytest.mark.parametrize("name", ["log", "http_request", "guardrail.sync_redis"])
def test_nobody_takes_the_place_of_a_built_in_action(
    tmp_path: Path, shared: Environment, name: str
) -> None:
    points = f"{name} = acme_greetings:Action"
    release = listed(a_wheel(tmp_path, entry_points=points)).release

    with pytest.raises(refusals.ActionTypeTaken, match="pipeline-engine"):
        places.check_names(release, shared)


def test_nobody_takes_an_action_of_another_package(tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "venv")
    info = environment.site / "other_actions-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-actions\nVersion: 1.0\n")
    points = "[pipeline_engine.actions]\nacme_greet@2 = other:Action\n"
    (info / "entry_points.txt").write_text(points)

    with pytest.raises(refusals.ActionTypeTaken, match="other-actions"):
        places.check_names(listed(a_wheel(tmp_path)).release, environment)


@pytest.mark.parametrize(
    ("files", "because"),
    [
        ({"flask/evil.py": ""}, "module flask"),
        ({"simple/__init__.py": "", "requests.py": ""}, "module requests"),
        ({"pipeline_engine/evil.py": ""}, "module pipeline_engine"),
        ({"json/__init__.py": ""}, "module json, as Python itself has"),
        ({"engine/x.py": "", "there.py": ""}, "would replace there.py"),
    ],
)
def test_nobody_brings_modules_or_files_in_the_place_of_others(
    tmp_path: Path, shared: Environment, files: dict[str, str], because: str
) -> None:
    (shared.site / "there.py").write_text("")
    wheel = a_wheel(tmp_path, files=files)

    with pytest.raises(refusals.UnsafePackage, match=because):
        places.check_files(wheels.read(wheel.read_bytes()), listed(wheel).release, shared)


@pytest.mark.parametrize("name", ["requests", "pipeline-engine"])
def test_a_source_of_actions_replaces_no_library_and_not_the_engine(
    tmp_path: Path, shared: Environment, name: str
) -> None:
    wheel = a_wheel(tmp_path, name, "99.0", entry_points="acme_greet = acme:Action")

    with pytest.raises(refusals.UnsafePackage, match="is no package of actions"):
        places.check_files(wheels.read(wheel.read_bytes()), listed(wheel).release, shared)


def test_packages_may_share_a_namespace(tmp_path: Path, environment: Environment) -> None:
    (environment.site / "acme").mkdir()
    info = environment.site / "acme_other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-other\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("acme\n")
    wheel = a_wheel(tmp_path, files={"acme/greetings.py": an_action()})

    places.check_files(wheels.read(wheel.read_bytes()), listed(wheel).release, environment)


# ── Dependencies ─────────────────────────────────────────────────────────────────────────


def needing(tmp_path: Path, *requirements: str) -> Listing:
    return listed(a_wheel(tmp_path, requires=tuple(f"Requires-Dist: {r}" for r in requirements)))


def test_a_dependency_that_is_missing_is_named(tmp_path: Path, shared: Environment) -> None:
    listing = needing(
        tmp_path,
        "requests>=2",
        "acme-nowhere>=3",
        'acme-elsewhere; sys_platform == "win32"',
        'acme-extra; extra == "fast"',
        "pipeline-engine>=0.1",
    )
    missing = places.missing(listing.release, shared)
    plan = installing.Plan("acme", listing, b"", None, missing)

    assert missing == ["acme-nowhere>=3"]
    assert listing.release.requires_engine == ">=0.1"
    with pytest.raises(refusals.MissingDependency, match="acme-nowhere>=3"):
        installing.check_dependencies(plan, with_dependencies=False)


def test_nothing_that_is_installed_gets_another_version(
    tmp_path: Path, shared: Environment
) -> None:
    listing = needing(tmp_path, "requests<1")

    with pytest.raises(refusals.MissingDependency, match=r"requests 2\S+ is installed"):
        places.missing(listing.release, shared)


def test_two_packages_that_are_installed_together_do_not_claim_the_same(
    market: Market, memory: Memory, environment: Environment
) -> None:
    plan = planned(market, "acme-greetings", memory, environment)
    info = environment.site / "acme_faster-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-faster\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pipeline_engine.actions]\nacme_greet = a:B\n")

    with pytest.raises(refusals.ActionTypeTaken, match="acme-faster"):
        installing.carry_out(plan, memory, environment, now=NOW)
