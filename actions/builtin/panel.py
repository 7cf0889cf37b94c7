"""Those who are asked to decide, and what they have said so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_engine.sdk import (
    AnswerNotAllowed,
    EventContext,
    InvalidActionParams,
    InvalidAnswer,
    holds_template,
    problem,
)

MOST_ASKED = 100
MOST_REQUIRED = 100
WRONG_NAMES = "{} has to be a list of names, or one name, and no name may be empty"
NAMING = ("approvers", "approver_groups")


@dataclass(frozen=True, slots=True)
class Panel:
    """The users and groups that may decide, and how many of them have to say yes."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    required: int = 1

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Panel:
        """Return the panel that *params* name; raises ``InvalidActionParams``."""
        wrong = list(problems(params))
        if wrong:
            raise InvalidActionParams("; ".join(wrong))
        users, groups = (_names(params.get(name)) for name in NAMING)
        return cls(users, groups, int(params.get("required_approvals") or 1))

    def as_outputs(self) -> dict[str, Any]:
        """Return it as the step leaves it for whoever looks for what waits for him."""
        return {
            "users": list(self.users),
            "groups": list(self.groups),
            "required": self.required,
        }

    def check_sender(self, context: EventContext) -> None:
        """Raise ``AnswerNotAllowed`` for one who was not asked, ``InvalidAnswer`` for no name.

        A group is believed only from the API, which knows who is signed in.
        """
        by = context.event_data.get("by")
        if by in self.users:
            return
        if not self._has_member(context):
            self._refuse_stranger()
        if self.required > 1 and not by:
            # Without names one person could be all of them.
            wrong = [problem("/by", "Has to say who answers.", code="required")]
            raise InvalidAnswer("1 problem(s) in the answer.", problems=wrong)

    def _refuse_stranger(self) -> None:
        if self.groups:
            raise AnswerNotAllowed(
                "by does not name one of the approvers of this step, nor was the answer given by a"
                " member of one of its groups who is signed in"
            )
        if self.users:
            raise AnswerNotAllowed("by does not name one of the approvers of this step")

    def _has_member(self, context: EventContext) -> bool:
        sender = context.sender
        return sender is not None and any(group in self.groups for group in sender.groups)


def problems(params: Mapping[str, Any]) -> Iterator[str]:
    """Return what is wrong with the params that name a panel, as far as they are known."""
    for name in NAMING:
        given = params.get(name)
        if not _is_template(given) and not _are_names(given):
            yield WRONG_NAMES.format(name)
    required = params.get("required_approvals", 1)
    if any(holds_template(params.get(name)) for name in (*NAMING, "required_approvals")):
        return
    users, groups = (params.get(name) for name in NAMING)
    if not _are_names(users) or not _are_names(groups) or not isinstance(required, int | float):
        return
    if required != int(required):
        yield "required_approvals has to be a whole number"
    asked = len(set(_names(users)))
    if asked and not _names(groups) and required > asked:
        yield f"required_approvals asks for {required:g} of {asked} approver(s)"


def with_decision(before: Sequence[Mapping[str, Any]], new: Mapping[str, Any]) -> list[Any]:
    """Return the decisions with a new one; who has named himself has one, the last."""
    by = new["by"]
    return [*(one for one in before if by is None or one.get("by") != by), dict(new)]


def _is_template(given: Any) -> bool:
    return isinstance(given, str) and holds_template(given)  # known when it runs


def _are_names(given: Any) -> bool:
    names = [given] if isinstance(given, str) else given
    if names is None:
        return True
    if not isinstance(names, list) or len(names) > MOST_ASKED:
        return False
    return all(isinstance(name, str) and name.strip() for name in names)


def _names(given: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys([given] if isinstance(given, str) else given or ()))
