"""Packages of actions as wheels: written by hand, since a build takes seconds."""

from __future__ import annotations

import base64
import hashlib
import textwrap
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from pipeline_engine.marketplace import wheels
from pipeline_engine.marketplace.format.index import Index, Listing
from pipeline_engine.marketplace.format.records import ReleaseSchema
from pipeline_engine.marketplace.format.signing import SigningKey

ACTION = """
from pipeline_engine.sdk import (
    ActionContext, ActionMeta, ActionResult, BaseActionExecutor, OutputDefinition,
    ParamDefinition, register_action,
)

META = ActionMeta(
    type="{type}",
    version="{version}",
    name="{type}",
    category="Tests",
    description="{description}",
    params=[ParamDefinition(name="name", label="Name", required=True)],
    outputs=[OutputDefinition(name="said", type="string", description="What was said")],
    required_permissions={permissions!r},
)


@register_action(META)
class Action(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={{"said": str(context.params["name"])}})
"""


def an_action(
    type_: str = "acme_greet",
    *,
    version: str = "1.0.0",
    description: str = "Greets somebody",
    permissions: list[str] | None = None,
) -> str:
    """The source of a module with one action."""
    return ACTION.format(
        type=type_, version=version, description=description, permissions=permissions or []
    )


def a_wheel(
    folder: Path,
    name: str = "acme-greetings",
    version: str = "1.0.0",
    *,
    files: Mapping[str, str] | None = None,
    entry_points: str | None = None,
    requires: tuple[str, ...] = ("Requires-Python: >=3.11",),
    file_name: str | None = None,
    records: tuple[str, ...] = (),
) -> Path:
    """Write a wheel into *folder*; by default it has one action, ``acme_greet``.

    *records* are files that its RECORD names besides its own.
    """
    module = name.replace("-", "_")
    points = f"acme_greet = {module}:Action" if entry_points is None else entry_points
    info = f"{module}-{version}.dist-info"
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        "Summary: Greets people",
        *requires,
    ]
    contents = {
        **({f"{module}.py": an_action(version=version)} if files is None else files),
        f"{info}/METADATA": "\n".join([*metadata, ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/entry_points.txt": points
        if points.startswith("[")
        else f"[pipeline_engine.actions]\n{textwrap.dedent(points)}\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (file_name or f"{module}-{version}-py3-none-any.whl")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        lines = [f"{one},," for one in records]
        for inside, text in contents.items():
            archive.writestr(zipfile.ZipInfo(inside), text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            lines.append(f"{inside},sha256={digest.decode().rstrip('=')},{len(text.encode())}")
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "\n".join([*lines, f"{info}/RECORD,,"]))
    return path


def a_listing(wheel: Path, key: SigningKey, *, now: datetime) -> Listing:
    """A release, signed, as it would be published; its action is made up, and not read."""
    content = wheel.read_bytes()
    facts = wheels.read(content).facts()
    action = {"name": "Greet", "version": "1", "required_permissions": ["model:write"]}
    record = facts | {
        "published_at": now.isoformat(),
        "file": {
            "name": wheel.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        },
        "actions": [{"type": name, **action} for name in facts["entry_points"]],
    }
    return Listing(record, ReleaseSchema().load(record), key.sign("release", record))


def an_index(wheels_: list[Path], key: SigningKey, *, now: datetime, serial: int = 1) -> bytes:
    """The file of an index with these wheels, the older releases first."""
    packages: dict[str, list[Listing]] = {}
    for wheel in wheels_:
        listing = a_listing(wheel, key, now=now)
        packages.setdefault(listing.release.name, []).insert(0, listing)
    return Index("acme", serial, now, now + timedelta(days=90), packages).signed(key)
