"""What is installed is complete, claims no name that belongs to others, and is locked."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest
from support.clean_environment import CleanEnvironment, build_wheel
from support.documentation import DOCS, blocks
from support.installing import environment_of, make_database

from pipeline_engine.embedded.ports import free_port
from pipeline_engine.embedded.processes import Layout, application_programs

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "acme-pipeline-actions"
WRITE_AN_ACTION = DOCS / "howto" / "write-an-action.md"
#: What the console is built from: no part of what is installed.
CONSOLE = ROOT / "web" / "console"
REDIS_DATABASE = 33  # far from the other tests' own: they flush it
LOCKS = ("requirements/run.txt", "requirements/dev.txt")
OURS = {
    "actions": "pipeline_engine_actions",
    "migrations": "pipeline_engine_migrations",
    "pipeline_engine": "pipeline_engine",
    "web": "pipeline_engine_web",
}


# Programs that are started, what redis needs on some Pythons, and what zoneinfo finds by itself.
RUN_NOT_IMPORTED = {"async-timeout", "flower", "tzdata", "uvloop"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Our wheel, built from a copy: a build leaves folders behind.

    Without the sources of the console, so that nothing is built: it has what `make` has built.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("setup.cfg", "setup.py", "pyproject.toml", "README.md", "MANIFEST.in"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    for name in OURS:
        shutil.copytree(
            ROOT / name,
            source / name,
            ignore=not_in_a_wheel,
        )
    return build_wheel(source, folder)


def not_in_a_wheel(folder, names):
    """Name what is in *folder* and is not copied."""
    left_behind = shutil.ignore_patterns("__pycache__", "*.egg-info")(folder, names)
    return left_behind | {name for name in names if Path(folder, name) == CONSOLE}


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel, unpacked into a folder of its own; pip installs it into ``clean``."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


def test_we_own_no_name_that_belongs_to_everybody():
    claimed = {
        name for name, owners in packages_distributions().items() if "pipeline-engine" in owners
    }

    assert claimed >= set(OURS.values())
    assert not claimed & {"actions", "web", "migrations", "tests", "docs", "benchmarks"}


def test_the_wheel_holds_every_file_of_the_four_folders(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"{name}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, name in OURS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and CONSOLE not in path.parents
    }

    assert wanted - inside == set()


def test_the_lock_of_the_console_names_no_address_as_each_machine_has_its_own_registry():
    lock = json.loads((CONSOLE / "package-lock.json").read_text())
    others = {name: package for name, package in lock["packages"].items() if name}

    assert [name for name, package in others.items() if "resolved" in package] == []
    assert [name for name, package in others.items() if "integrity" not in package] == []


def test_an_installed_wheel_finds_its_migrations_away_from_the_checkout(installed, tmp_path):
    code = "from pipeline_engine.cli.db import migrations_directory as f; print(f())"

    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={"PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    found = Path(done.stdout.strip())
    assert found == installed / "pipeline_engine_migrations"
    assert (found / "env.py").exists()


def test_the_wheel_and_an_action_package_work_as_their_page_says(installed, tmp_path):
    """Away from the checkout; ``up`` of an installed engine is what tests/acceptance run."""
    wheel, action = (
        DOCS / "howto" / "install-from-a-wheel.md",
        WRITE_AN_ACTION,
    )
    package = tmp_path / "acme"
    package.mkdir()
    (package / "pyproject.toml").write_text(blocks(action, "toml")[0])
    (package / "acme_actions.py").write_text(blocks(action, "python")[0])
    (package / "test_greet.py").write_text(blocks(action, "python")[-1])
    hello = json.loads(blocks(wheel, "json")[0])
    [step] = json.loads(blocks(action, "json")[0])["steps"]
    (tmp_path / "hello.json").write_text(json.dumps(hello | {"steps": [*hello["steps"], step]}))
    options = ("--no-deps", "--no-index", "--no-build-isolation")
    pip("install", *options, "--target", tmp_path / "site", package)

    done = subprocess.run(
        [sys.executable, "-P", "-m", "pipeline_engine", "validate", "--local", "hello.json"],
        env={"PYTHONPATH": f"{installed}:{tmp_path / 'site'}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """An environment with the wheels of the engine and of the example package, and a newcomer's."""
    made = CleanEnvironment(tmp_path_factory.mktemp("clean"))
    source = tmp_path_factory.mktemp("example") / EXAMPLE.name
    shutil.copytree(EXAMPLE, source)
    made.install(wheel, build_wheel(source, source.parent))
    return made


@pytest.fixture(scope="module")
def newcomer(clean, tmp_path_factory):
    """The folder of somebody who has typed the page up to where the engine is started."""
    folder = tmp_path_factory.mktemp("newcomer")
    typed, *_ = blocks(WRITE_AN_ACTION, "sh")
    printed = clean.shell(typed, folder)
    assert "greeting  Hello Ada" in printed
    return folder / "acme-hello"


def test_the_example_package_keeps_its_contract_away_from_the_checkout(clean, tmp_path):
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")

    printed = clean.shell(f"pytest\npipeline-engine actions check {EXAMPLE.name}", tmp_path)

    assert "2 actions, 0 errors, 0 warnings" in printed


def test_a_newcomer_and_the_example_run_through_an_engine_from_wheels(
    clean, newcomer, servers, migrated_template, tmp_path
):
    """From an empty folder; as the page says, what is saved is live on the next step."""
    database_url = make_database(servers, "from_wheels", template=migrated_template)
    redis_url = servers.redis_url.removesuffix("/0") + f"/{REDIS_DATABASE}"
    shutil.copy(EXAMPLE / "report.json", tmp_path)
    shutil.copy(EXAMPLE / "stand_in.py", tmp_path)
    (_, up, run, again, *_) = blocks(WRITE_AN_ACTION, "sh")
    told = {"PORT": str(free_port())}
    peer = f"http://127.0.0.1:{told['PORT']}"
    environment = {
        **environment_of(database_url, redis_url),
        "PIPELINE_SERVICE_URLS": json.dumps({"acme-translator": peer, "acme-reports": peer}),
        "PIPELINE_TRUSTED_PACKAGES": f"{EXAMPLE.name},acme-hello",
        "PIPELINE_RELOAD": "true",
    }

    with (
        clean.engine(tmp_path, environment) as client,
        clean.program(tmp_path, told | client, "stand_in.py") as stand_in,
    ):
        assert stand_in.stdout.readline().strip() == peer
        reported = clean.shell("pipeline-engine run report.json --wait 30", tmp_path, **client)
        first = clean.shell(run, newcomer, **client)
        second = clean.shell(again, newcomer, **client)

    assert up == "pipeline-engine up --reload\n"
    assert "title: Bonjour" in reported
    assert "url: http://reports.example/1-rows.pdf" in reported
    assert "said: Hello Ada" in first
    assert "said: Good day Ada" in second


def test_every_action_of_setup_cfg_is_installed_and_can_be_loaded():
    declared = {line.split("=")[0].strip() for line in declared_actions()}
    found = {
        entry.name: entry
        for entry in entry_points(group="pipeline_engine.actions")
        if entry.dist and entry.dist.name == "pipeline-engine"
    }

    assert found.keys() == declared, "after a change of setup.cfg: make install"
    assert all(isinstance(entry.load(), type) for entry in found.values())


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_has_one_version_and_its_hashes(name):
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

    loose = [line for line in lines if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:", line)]

    assert lines
    assert loose == []


def test_both_locks_name_the_same_versions_so_that_tests_prove_what_runs():
    run, dev = (set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.M)) for name in LOCKS)

    assert run - dev == set()


def test_the_lock_fits_setup_cfg():
    named = declared("install_requires") + declared("embedded", "options.extras_require")
    wanted = re.findall(r"^([a-z0-9-]+)", named, re.M)
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/run.txt").read_text(), re.M))

    assert set(wanted) - locked == set(), "after a change of setup.cfg: make lock"


def test_what_the_code_imports_is_what_setup_cfg_asks_for():
    imported = imported_distributions()
    asked_for = set(re.findall(r"^([a-z0-9-]+)", declared("install_requires"), re.M))

    assert imported - asked_for == {"pytest"}, "of the contract kit's plug-in, which pytest loads"
    assert asked_for - imported == RUN_NOT_IMPORTED


def test_the_procfile_runs_what_up_runs():
    lines = (ROOT / "Procfile").read_text().splitlines()
    procfile = {line.split(":")[0]: line.partition(":")[2].split() for line in lines}
    programs = application_programs(Layout(web_port=1, flower_port=2), {})

    ours = {program.name: options(program.command[4:]) for program in programs}
    theirs = {name: options(words[1:]) for name, words in procfile.items() if name != "release"}

    assert theirs == ours


def test_the_command_runs_from_any_folder(tmp_path):
    done = subprocess.run(
        [Path(sys.executable).with_name("pipeline-engine"), "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("pipeline-engine, version ")


def declared(option, section="options"):
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config[section][option]


def declared_actions():
    lines = declared("pipeline_engine.actions", "options.entry_points").splitlines()
    return [line for line in lines if line.strip()]


def imported_names():
    """Yield the first part of every foreign module that our code imports."""
    for path in (file for folder in OURS for file in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.module.split(".")[0]


def imported_distributions():
    foreign = set(imported_names()) - set(sys.stdlib_module_names) - set(OURS.values())
    owners = packages_distributions()
    return {owners[name][0].lower().replace("_", "-") for name in foreign}


def options(words):
    """Return the words of a command without those that say where this stack is."""
    command = " " + " ".join(words)
    for place in (r"-m \S+", r"--host \S+", r"--port=\S+", r"--log\w+=\S+", r"(?<!\S)-E(?!\S)"):
        command = re.sub(f" {place}", "", command)
    return sorted(command.split())


def pip(*arguments):
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
    )
