"""What the actions of a wheel say of themselves: read in a process of its own, by its publisher.

``python -m pipeline_engine.marketplace.publishing.reading FOLDER ANSWER`` imports the package that
is unpacked in FOLDER; nothing of it comes into the process that has the signing key.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

from pipeline_engine.errors import FOREIGN_ERRORS
from pipeline_engine.marketplace.refusals import InvalidPackage
from pipeline_engine.registry import GROUP, Registry
from pipeline_engine.registry.discovery import loaded
from pipeline_engine.sdk import ActionMeta

SECONDS = 60.0


def actions_of(wheel: Path) -> list[dict[str, Any]]:
    """The actions of a wheel that was found to be safe, as JSON. Raises ``InvalidPackage``."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        target = Path(folder) / "package"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
        command = [sys.executable, "-P", "-m", __name__, str(target), str(answer)]
        done = subprocess.run(  # noqa: S603  (our own module)
            command,
            env={"PATH": os.environ.get("PATH", "")},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode or not answer.exists():
            raise InvalidPackage(f"{wheel.name} cannot be loaded: {done.stderr.strip()[-2000:]}")
        found = json.loads(answer.read_text(encoding="utf-8"))
    if found["broken"]:
        name, reason = next(iter(found["broken"].items()))
        raise InvalidPackage(f"{wheel.name}: the action {name} cannot be loaded: {reason}")
    actions: list[dict[str, Any]] = found["actions"]
    if not actions:
        raise InvalidPackage(f"{wheel.name} has no entry point of {GROUP}.")
    return actions


def described(meta: ActionMeta) -> dict[str, Any]:
    """An action as a record has it."""
    return {
        "type": meta.type,
        "version": meta.version,
        "name": meta.name,
        "category": meta.category,
        "description": meta.description,
        "aliases": list(meta.aliases),
        "execution_mode": str(meta.execution_mode),
        "idempotent": meta.idempotent,
        "required_permissions": list(meta.required_permissions),
        "required_services": list(meta.required_services),
        "params": [
            {
                "name": param.name,
                "type": str(param.type),
                "required": param.required,
                "description": param.description or "",
            }
            for param in meta.params
        ],
        "outputs": [
            {"name": output.name, "type": output.type, "description": output.description}
            for output in meta.outputs
        ],
    }


def main(target: str, answer: str) -> None:
    """Load the actions of the package in the folder *target*, and write what they say."""
    sys.path.insert(0, target)
    points = [
        point
        for found in metadata.distributions(path=[target])
        for point in found.entry_points
        if point.group == GROUP
    ]
    broken, found = {}, []
    for point in points:
        try:
            found.append(loaded(point))
        except FOREIGN_ERRORS as error:  # foreign code: whatever it raises is its reason
            broken[point.name] = f"{type(error).__name__}: {error}"
    actions = [described(action.meta) for action in Registry(found)]
    told = {"actions": actions, "broken": broken}
    Path(answer).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
