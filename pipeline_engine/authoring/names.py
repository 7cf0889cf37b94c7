"""What the parts of a new package are called, by the type of its action."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util

from pipeline_engine.authoring.errors import ActionNameTaken, InvalidActionName
from pipeline_engine.domain.actions import TYPE_PATTERN
from pipeline_engine.registry import Registry


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a package takes from the type of its action, such as ``acme_greet``."""

    type: str

    @property
    def package(self) -> str:
        """What ``pip`` calls it."""
        return self.module.replace("_", "-")

    @property
    def module(self) -> str:
        """What Python imports."""
        return self.type.replace(".", "_").lower()

    @property
    def class_name(self) -> str:
        """The class of the executor."""
        return "".join(word[:1].upper() + word[1:] for word in self._words)

    @property
    def title(self) -> str:
        """What people call the action."""
        return " ".join(self._words).lower().capitalize()

    @property
    def _words(self) -> list[str]:
        return [word for word in self.type.replace(".", "_").split("_") if word]


def names_for(wanted: str, registry: Registry) -> Names:
    """The names for an action of this type.

    Raises ``InvalidActionName`` and ``ActionNameTaken``.
    """
    if not TYPE_PATTERN.fullmatch(wanted):
        raise InvalidActionName(
            f"'{wanted}' is no type of an action: letters, digits, _ and dots between them"
            f"{_suggestion(wanted)}"
        )
    names = Names(wanted)
    if not names.module.isidentifier() or not names.module.isascii():
        raise InvalidActionName(f"'{wanted}' does not begin with a letter, as a module has to")
    if keyword.iskeyword(names.module) or names.module.strip("_") != names.module:
        raise InvalidActionName(f"no package can be called '{names.module}'; try 'my_{wanted}'")
    for taken, what in _TAKEN:
        if found := taken(names, registry):
            raise ActionNameTaken(f"{what} '{found}' is there already; try 'my_{wanted}'")
    return names


def _suggestion(wanted: str) -> str:
    usual = "_".join(wanted.replace("-", " ").split()).lower()
    return f"; try '{usual}'" if TYPE_PATTERN.fullmatch(usual) else ""


def _action(names: Names, registry: Registry) -> str | None:
    is_known = names.type in registry or names.type in registry.broken
    return names.type if is_known else None


def _distribution(names: Names, _: Registry) -> str | None:
    try:
        return metadata.distribution(names.package).name
    except metadata.PackageNotFoundError:
        return None


def _module(names: Names, _: Registry) -> str | None:
    """A module that the new one would hide, or be hidden by."""
    is_there = names.module in sys.stdlib_module_names or util.find_spec(names.module)
    return names.module if is_there else None


#: What may have one of the names, and the words for it.
_TAKEN: tuple[tuple[Callable[[Names, Registry], str | None], str], ...] = (
    (_action, "an action"),
    (_distribution, "a package"),
    (_module, "a module"),
)
