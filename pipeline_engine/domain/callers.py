"""Who asks, for whom, and what they may see and change."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from pipeline_engine.domain.authority import Authority
from pipeline_engine.domain.scopes import Scope, has
from pipeline_engine.errors import InvalidUserId

GROUP = "group:"  #: in front of the name of a group, where it is an owner
#: What a user may be called; some issuers put a bar between a name and where it is from.
USER_ID = re.compile(r"[\w.@:+|-]{1,255}", re.ASCII)
#: The same for owners: groups may be paths.
OWNER_ID = re.compile(r"[\w.@:+|/-]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, for the record."""

    address: str | None = None  #: of the client, as far as proxies are believed
    request_id: str | None = None  #: the correlation id


@dataclass(frozen=True, slots=True)
class Caller:
    """The user or service for which a request is answered.

    An owner is a user (``u-1``) or a group (``group:ops``), as text; null is the system. Without
    any rights a caller still sees the rows of its owners: a route asks for its scope before.
    """

    user_id: str | None = None  #: the owner for whom it acts, and of what it makes
    others: frozenset[str] = frozenset()  #: further owners whose rows are its own: its groups
    rights: frozenset[str] = frozenset()  #: scopes, and words of ``required_permissions``
    principal: str = ""  #: whose credential it is: ``token:4f9a``, ``oidc:u-1``, ``env:user:bob``
    #: a token may be bound to some pipelines; then nothing else is in its sight
    only_pipelines: frozenset[UUID] | None = None
    #: when its token expires; what it makes with that does not live longer
    expires_at: datetime | None = None
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        # Compared with the owners of rows, nobody would be the owner of what has none.
        if self.user_id is None and not self.is_service:
            raise ValueError("a caller is a user or a service")

    @classmethod
    def resumed(cls, authority: Authority, user_id: str | None) -> Caller:
        """The one who has started an execution of *user_id*, as this one goes on."""
        others = authority.owners - {user_id}
        return cls(user_id, others, authority.rights, authority.started_by)

    def may(self, word: str) -> bool:
        """Whether it has this right."""
        return has(self.rights, word)

    @property
    def is_service(self) -> bool:
        """Whether it may act for every owner."""
        return self.may(Scope.OWNERS_ANY)

    @property
    def is_administrator(self) -> bool:
        """Whether it may do everything, also with what belongs to the system."""
        return Scope.ADMIN in self.rights

    @property
    def sees_all(self) -> bool:
        """Whether it is a service that acts for no user: it is not bound to any owner."""
        return self.user_id is None  # which nobody else can be

    @property
    def owners(self) -> frozenset[str]:
        """Those whose rows are its own, if it does not see all."""
        return self.others if self.user_id is None else self.others | {self.user_id}

    def owns(self, user_id: str | None) -> bool:
        """Tell whether what belongs to *user_id* is the caller's own."""
        return self.sees_all or (user_id is not None and user_id in self.owners)

    def as_written_by(self, owner: str | None) -> Caller:
        """The one for whom the definition of *owner* speaks that this one has started.

        Whoever starts what somebody else has written lends him nothing that is his own.
        """
        if owner is None:
            return self
        # A member speaks for his groups as well, and a group for none of its members.
        is_member = owner in self.owners and not owner.startswith(GROUP)
        others = self.owners - {owner} if is_member else frozenset[str]()
        same = (owner, others) == (self.user_id, self.others)
        return self if same else Caller(owner, others)

    def acting_for(self, user_id: str | None) -> Caller:
        """The caller as the owner of what it makes: of services it is believed whom they name.

        What else a service is, that one is not. Raises ``InvalidUserId``.
        """
        if user_id is None or user_id == self.user_id or not self.is_service:
            return self
        if not OWNER_ID.fullmatch(user_id):
            raise InvalidUserId
        return replace(self, user_id=user_id, others=frozenset())

    def authority(self, secrets_of: str | None, *, of_system: bool = False) -> Authority:
        """What an execution remembers that it starts; *secrets_of* has written the definition.

        *of_system*: the definition is the system's.
        """
        return Authority(
            started_by=self.principal,
            owners=self.owners,
            rights=self.rights,
            secrets_of=None if of_system else secrets_of,
            of_system=of_system,
        )


SYSTEM = Caller(rights=frozenset({Scope.ADMIN}), principal="system")
