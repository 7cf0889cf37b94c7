"""With which rights an execution acts: those of whoever started it, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.domain.scopes import Scope


@dataclass(frozen=True, slots=True)
class Authority:
    """What an execution remembers of its start; its steps and sub-pipelines are bound by it."""

    started_by: str  #: the principal: ``token:4f9a``
    owners: frozenset[str]  #: whose pipelines and secrets it may reach, beside the system's
    rights: frozenset[str]  #: scopes, and words of ``required_permissions``
    secrets_of: str | None  #: the owner of the definition, whose ``secrets`` its templates mean
    of_system: bool  #: the definition is the system's, so the installation's secrets are its own

    def document(self) -> dict[str, Any]:
        """As the row of the execution keeps it."""
        return {
            "started_by": self.started_by,
            "owners": sorted(self.owners),
            "rights": sorted(self.rights),
            "secrets_of": self.secrets_of,
            "of_system": self.of_system,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any] | None, user_id: str | None) -> Authority:
        """That of a row, whose owner is *user_id*.

        An execution that an older version has started may do what it could do then.
        """
        if document is None:
            owners = frozenset() if user_id is None else frozenset({user_id})
            return cls("", owners, frozenset({Scope.ADMIN}), user_id, of_system=True)
        return cls(
            started_by=document["started_by"],
            owners=frozenset(document["owners"]),
            rights=frozenset(document["rights"]),
            secrets_of=document["secrets_of"],
            of_system=document["of_system"],
        )
