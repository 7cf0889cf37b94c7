"""Which parts of the scope an expression reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A path into the scope: ``steps["my-step"].outputs.x`` is steps, then three keys.

    An index that is itself computed ends the path: of ``params.list[params.i]`` the references
    are ``params.list`` and ``params.i``.
    """

    root: str
    path: tuple[str | int, ...]

    def __str__(self) -> str:
        return self.root + "".join(
            f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"
            for key in self.path
        )
