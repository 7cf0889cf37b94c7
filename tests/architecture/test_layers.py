"""Imports point downwards: the contracts in setup.cfg hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_import_contracts_are_kept():
    command = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


#: What tests an installation beside the product's tests: known to the tests of the tools alone.
TOOLS = ("battery", "benchmarks")
TOOLS_TESTS = Path("tests/integration/tools")
EXCEPTED = {
    "tests/support/lived_history.py": "what the tests of the battery's invariants share",
    "tests/acceptance/test_stack.py": "a row of the benchmark needs a stack, and shares this one",
}


def test_the_tests_of_the_product_pass_without_the_battery_and_the_benchmarks():
    tests = (path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py"))
    users = {path for path in tests if any(_imports(ROOT / path, tool) for tool in TOOLS)}

    assert {str(p) for p in users if not p.is_relative_to(TOOLS_TESTS)} == set(EXCEPTED)


def _imports(path: Path, tool: str) -> bool:
    lines = path.read_text().splitlines()
    return any(line.startswith((f"from {tool}", f"import {tool}")) for line in lines)
