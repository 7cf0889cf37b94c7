"""``secrets`` in a template: an unknown one is an error, never an empty text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline_engine.domain.expressions.errors import UnknownSecret


class KnownSecrets(Mapping[str, str]):
    """The secrets of the installation; looking up another raises ``UnknownSecret``."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str:
        value = self._values.get(name)
        if value is None:
            raise UnknownSecret(f"There is no secret {name[:100]!r} in this installation.")
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
