"""What is known of a release without unpacking it: all of this is signed by its publisher.

A signature is of the document as it was read, unknown fields included: what a later version adds
does not break it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

#: A plain name beside the index: no folder, no way up, no other server.
WHEEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.!+-]*\.whl", re.ASCII)
MOST_WHEEL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An input or an output of an action."""

    name: str
    type: str
    required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedAction:
    """An action of a release, as its metadata says."""

    type: str
    version: str
    name: str
    category: str = ""
    description: str = ""
    aliases: Sequence[str] = ()
    execution_mode: str = ""
    idempotent: bool = True
    required_permissions: Sequence[str] = ()
    required_services: Sequence[str] = ()
    params: Sequence[Field] = ()
    outputs: Sequence[Field] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """The file of a release."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One version of a package."""

    name: str
    version: str
    summary: str
    published_at: datetime
    file: WheelFile
    requires_python: str | None
    requires_engine: str | None
    dependencies: Sequence[str]
    entry_points: Mapping[str, str]
    modules: Sequence[str]
    actions: Sequence[PackagedAction]

    @property
    def number(self) -> Version:
        """Its version, to compare."""
        return Version(self.version)

    def is_newer_than(self, version: str) -> bool:
        """Whether it comes after an installed *version*; whatever can be read after what cannot."""
        try:
            return self.number > Version(version)
        except InvalidVersion:
            return True

    @property
    def permissions(self) -> list[str]:
        """The rights that any of its actions asks for."""
        return sorted({right for action in self.actions for right in action.required_permissions})

    @property
    def names(self) -> set[str]:
        """The types and aliases that it claims."""
        pinned = {name.partition("@")[0] for name in self.entry_points}
        return pinned.union(*({action.type, *action.aliases} for action in self.actions))


def _is_specifier(value: str) -> None:
    try:
        SpecifierSet(value)
    except InvalidSpecifier as error:
        raise ValidationError(f"{value!r} is no range of versions") from error


def _is_requirement(value: str) -> None:
    try:
        Requirement(value)
    except InvalidRequirement as error:
        raise ValidationError(f"{value!r} is no requirement") from error


def _is_version(value: str) -> None:
    try:
        Version(value)
    except InvalidVersion as error:
        raise ValidationError(f"{value!r} is no version") from error


def _is_name(value: str) -> None:
    if not value or canonicalize_name(value) != value or not re.fullmatch(r"[a-z0-9-]+", value):
        raise ValidationError(f"{value!r} is no normalised name of a package")


def _words(**options: Any) -> fields.List[str]:
    return fields.List(fields.String(validate=validate.Length(1, 500)), **options)


class _Record(Schema):
    class Meta:
        unknown = EXCLUDE
        ordered = True


class _FieldSchema(_Record):
    name = fields.String(required=True)
    type = fields.String(required=True)
    required = fields.Boolean(load_default=False)
    description = fields.String(load_default="")

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> Field:
        return Field(**loaded)


class _ActionSchema(_Record):
    type = fields.String(required=True, validate=validate.Length(1, 200))
    version = fields.String(required=True)
    name = fields.String(required=True)
    category = fields.String(load_default="")
    description = fields.String(load_default="")
    aliases = _words(load_default=())
    execution_mode = fields.String(load_default="")
    idempotent = fields.Boolean(load_default=True)
    required_permissions = _words(load_default=())
    required_services = _words(load_default=())
    params = fields.List(fields.Nested(_FieldSchema), load_default=())
    outputs = fields.List(fields.Nested(_FieldSchema), load_default=())

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> PackagedAction:
        return PackagedAction(**loaded)


class _FileSchema(_Record):
    name = fields.String(required=True, validate=validate.Regexp(rf"(?:{WHEEL_NAME.pattern})\Z"))
    sha256 = fields.String(required=True, validate=validate.Regexp(r"[0-9a-f]{64}\Z"))
    size = fields.Integer(strict=True, required=True, validate=validate.Range(1, MOST_WHEEL_BYTES))

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> WheelFile:
        return WheelFile(**loaded)


class ReleaseSchema(_Record):
    """A record as it is written in an index."""

    name = fields.String(required=True, validate=_is_name)
    version = fields.String(required=True, validate=_is_version)
    summary = fields.String(required=True)
    published_at = fields.AwareDateTime(required=True)
    file = fields.Nested(_FileSchema, required=True)
    requires_python = fields.String(required=True, allow_none=True, validate=_is_specifier)
    requires_engine = fields.String(required=True, allow_none=True, validate=_is_specifier)
    dependencies = fields.List(fields.String(validate=_is_requirement), required=True)
    entry_points = fields.Dict(fields.String(), fields.String(), required=True)
    modules = _words(required=True)
    actions = fields.List(
        fields.Nested(_ActionSchema), required=True, validate=validate.Length(min=1)
    )

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> Release:
        release = Release(**loaded)
        _name_fits(release)
        return release


def _name_fits(release: Release) -> None:
    """Raise ``ValidationError`` if the file is called like another release."""
    try:
        name, version, _, _ = parse_wheel_filename(release.file.name)
    except InvalidWheelFilename as error:
        raise ValidationError(str(error), "file") from error
    if (name, version) != (release.name, release.number):
        wanted = f"{release.name} {release.version}"
        raise ValidationError(f"{release.file.name} is not called like {wanted}", "file")


def in_words(messages: Any, place: str = "") -> str:
    """What marshmallow has found, in one line with the places."""
    if isinstance(messages, Mapping):
        inner = (in_words(told, f"{place}.{key}".strip(".")) for key, told in messages.items())
        return "; ".join(inner)
    told = " ".join(map(str, messages)) if isinstance(messages, list) else str(messages)
    return f"{place}: {told}" if place else told
