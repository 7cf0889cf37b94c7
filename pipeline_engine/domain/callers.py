"""Who asks, and what they may see and change."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Caller:
    """The user or service for which a request is answered."""

    user_id: str | None = None  #: null is the system itself, which only a service can be
    is_service: bool = False  #: holds a token that may act for others

    def __post_init__(self) -> None:
        # Compared with the owners of rows, nobody would be the owner of what has none.
        if self.user_id is None and not self.is_service:
            raise ValueError("a caller is a user or a service")

    @property
    def sees_all(self) -> bool:
        """Whether it is a service that acts for no user: it is not bound to one owner."""
        return self.is_service and self.user_id is None

    def owns(self, user_id: str | None) -> bool:
        """Tell whether what belongs to *user_id* is the caller's own."""
        return self.sees_all or (user_id is not None and user_id == self.user_id)

    def acting_for(self, user_id: str | None) -> Caller:
        """The caller as the owner of what it makes: of services it is believed whom they name."""
        return replace(self, user_id=user_id) if self.is_service and user_id else self


SYSTEM = Caller(is_service=True)
