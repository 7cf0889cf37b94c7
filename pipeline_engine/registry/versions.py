"""The versions of one action that are installed side by side, and which of them is meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from packaging.version import Version

from pipeline_engine.registry.registered import InvalidPlugin, RegisteredAction


def parsed(version: str) -> Version:
    """*version* as it is compared; raises ``InvalidPlugin``."""
    try:
        return Version(version)
    except ValueError:  # also a number with more digits than Python reads
        message = f"the version '{version}' is not of the form 1.2.0"
        raise InvalidPlugin(message) from None


def fits(version: str, pin: str) -> bool:
    """Whether a pin such as ``2``, ``2.1`` or ``2.1.0`` means this version."""
    try:
        wanted, found = Version(pin), Version(version)
    except ValueError:  # a pin may be anything that somebody has written
        return False
    told = wanted.release
    is_beginning = wanted == Version(".".join(map(str, told)))
    padded = (*found.release, *(0 for _ in told))
    return wanted == found or (is_beginning and padded[: len(told)] == told)


def side_by_side(one: RegisteredAction, other: RegisteredAction) -> bool:
    """Whether both can be installed: they are two versions of one action of one package."""
    return (
        one.meta.type == other.meta.type
        and one.distribution == other.distribution
        and parsed(one.meta.version) != parsed(other.meta.version)
    )


class Versions:
    """All installed versions of one type, newest first."""

    def __init__(self, actions: Iterable[RegisteredAction]) -> None:
        self._actions = sorted(actions, key=lambda one: parsed(one.meta.version), reverse=True)

    def __iter__(self) -> Iterator[RegisteredAction]:
        return iter(self._actions)

    def __len__(self) -> int:
        return len(self._actions)

    def joined_by(self, action: RegisteredAction) -> Versions:
        """These and one more."""
        return Versions([*self._actions, action])

    @property
    def texts(self) -> list[str]:
        """The versions, as their authors wrote them."""
        return [action.meta.version for action in self]

    @cached_property
    def choices(self) -> list[RegisteredAction]:
        """Those that a name without a version may mean, newest first.

        Deprecated ones, and those before a release, only if there are no others.
        """
        released = _released(self)
        return [one for one in released if not one.meta.deprecated] or released

    def get(self, pin: str | None) -> RegisteredAction | None:
        """The newest that a pin means; None if there is none, or it is no version."""
        if pin is None:
            return self.choices[0]
        exact = [one for one in self if one.meta.version == pin]
        fitting = _released(one for one in self if fits(one.meta.version, pin))
        return next(iter(exact or fitting), None)

    def kept(self, version: str, pin: str | None) -> RegisteredAction | None:
        """What takes the place of a version that was chosen before: itself while it is installed.

        Then the newest with the same first number, if the pin means that, too; one before a
        release only if there is no other, as nobody has asked for it.
        """
        able = [one for one in self if pin is None or fits(one.meta.version, pin)]
        same = (one for one in able if one.meta.version == version)
        alike = _released(one for one in able if _series(one.meta.version) == _series(version))
        return next(iter((*same, *alike)), None)


def _series(version: str) -> tuple[int, int]:
    """What stays as it is while nothing changes that callers rely on."""
    found = parsed(version)
    return found.epoch, found.major


def _released(actions: Iterable[RegisteredAction]) -> list[RegisteredAction]:
    """Those that are more than a candidate for a release; all, if none is."""
    found = list(actions)
    return [one for one in found if not parsed(one.meta.version).is_prerelease] or found
