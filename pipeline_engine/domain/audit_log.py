"""The audit log: which acts are recorded, and what is said of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from pipeline_engine.domain.callers import Caller

LONGEST = 255  #: characters of a word from outside; more of it says nothing more


class Act(StrEnum):
    """What somebody has done, or was refused: a stable word, its target's noun, a sentence."""

    noun: str  #: what its target is; empty if it has none
    told: str

    PIPELINE_CREATE = "pipeline.create", "pipeline", "Store a pipeline."
    PIPELINE_REPLACE = "pipeline.replace", "pipeline", "Replace what a pipeline says."
    PIPELINE_ARCHIVE = (
        "pipeline.archive",
        "pipeline",
        "Archive a pipeline, and disable what starts it.",
    )
    PIPELINE_RESTORE = (
        "pipeline.restore",
        "pipeline",
        "Let an archived pipeline be started again.",
    )
    PIPELINE_DELETE = "pipeline.delete", "pipeline", "Delete a pipeline."
    DRAFT_BEGIN = (
        "draft.begin",
        "pipeline",
        "Begin a draft of a pipeline; what is typed into it from then on is no act.",
    )
    DRAFT_DISCARD = "draft.discard", "pipeline", "Delete one's own draft of a pipeline."
    ACTION_CREATE = "action.create", "action", "Store an action."
    ACTION_REPLACE = "action.replace", "action", "Add a version of a stored action."
    ACTION_DELETE = "action.delete", "action", "Delete a stored action."
    EXECUTION_START = (
        "execution.start",
        "execution",
        "Start an execution; not those that its own steps start.",
    )
    EXECUTION_CANCEL = (
        "execution.cancel",
        "execution",
        "Ask for the end of an execution, and of all below it.",
    )
    APPROVAL_ANSWER = (
        "approval.answer",
        "execution",
        "Say yes or no to a step of an execution.",
    )
    STEP_RUN = (
        "step.run",
        "execution",
        "Run an action; only where a step lacks the right to.",
    )
    EVENT_SEND = "event.send", "delivery", "Send an event; one that came before is not sent again."
    CALLBACK_SEND = (
        "callback.send",
        "delivery",
        "Answer a step by its callback token; only refusals, for the inbox has the others.",
    )
    DELIVERY_REPLAY = (
        "delivery.replay",
        "delivery",
        "Offer an unmatched delivery again.",
    )
    EVENT_TRIGGER_CREATE = (
        "event_trigger.create",
        "event_trigger",
        "Let events of a type start a pipeline.",
    )
    EVENT_TRIGGER_CHANGE = (
        "event_trigger.change",
        "event_trigger",
        "Change an event trigger; whoever does lends it his rights.",
    )
    EVENT_TRIGGER_DELETE = "event_trigger.delete", "event_trigger", "Delete an event trigger."
    ALERT_RULE_CREATE = (
        "alert_rule.create",
        "alert_rule",
        "Watch the executions of a pipeline.",
    )
    ALERT_RULE_CHANGE = "alert_rule.change", "alert_rule", "Change an alert rule."
    ALERT_RULE_DELETE = "alert_rule.delete", "alert_rule", "Delete an alert rule with its alerts."
    TOKEN_CREATE = "token.create", "token", "Make an API token; `scopes` are what it may do."
    TOKEN_REVOKE = "token.revoke", "token", "End an API token."
    SESSION_BEGIN = "session.begin", "session", "Sign in to the console."
    SESSION_END = "session.end", "session", "Sign out of the console, or sign in anew."
    SIGN_IN_LINK_CREATE = (
        "sign_in_link.create",
        "sign_in_link",
        "Make a link by which one can sign in to the console once.",
    )
    SECRET_SET = (
        "secret.set",
        "secret",
        "Set a secret, or its description; `version` is the one that counts now.",
    )
    SECRET_RESTORE = "secret.restore", "secret", "Let an older version of a secret count again."
    SECRET_DELETE = "secret.delete", "secret", "Delete a secret with all its versions."
    SECRET_USE = (
        "secret.use",
        "secret",
        "Give a secret to a step; once for each execution and version.",
    )
    SCHEDULE_CREATE = "schedule.create", "schedule", "Save a schedule."
    SCHEDULE_CHANGE = "schedule.change", "schedule", "Change a schedule."
    SCHEDULE_DELETE = "schedule.delete", "schedule", "Delete a schedule with its ledger."
    SCHEDULE_PAUSE = "schedule.pause", "schedule", "Let nothing of a schedule be due."
    SCHEDULE_RESUME = "schedule.resume", "schedule", "Let a schedule go on."
    SCHEDULE_TRIGGER = "schedule.trigger", "schedule", "Start what a schedule says, by hand."
    SCHEDULE_BACKFILL = (
        "schedule.backfill",
        "schedule",
        "Start what a schedule has not started in the past; `started` is how much.",
    )
    WEBHOOK_CREATE = "webhook.create", "webhook", "Make a webhook."
    WEBHOOK_CHANGE = "webhook.change", "webhook", "Change a webhook; `fields` are what was given."
    WEBHOOK_DELETE = "webhook.delete", "webhook", "Delete a webhook with its secrets."
    WEBHOOK_ROTATE_SECRET = (
        "webhook.rotate_secret",
        "webhook",
        "Give a webhook a new secret; the one before counts for a while yet.",
    )
    WEBHOOK_REVOKE_SECRET = "webhook.revoke_secret", "webhook", "End secrets of a webhook at once."
    WEBHOOK_TEST = "webhook.test", "webhook", "Start what a webhook starts, to try it."
    WEBHOOK_TRIGGER = (
        "webhook.trigger",
        "webhook",
        "Call a webhook; only refusals, for the list of its deliveries has the others.",
    )
    SUBSCRIPTION_CREATE = (
        "subscription.create",
        "subscription",
        "Subscribe to events; not the topics that an execution is started with.",
    )
    SUBSCRIPTION_CHANGE = "subscription.change", "subscription", "Change a subscription."
    SUBSCRIPTION_PAUSE = "subscription.pause", "subscription", "Let a subscription wait."
    SUBSCRIPTION_RESUME = (
        "subscription.resume",
        "subscription",
        "Let a subscription go on that was paused, or has failed.",
    )
    SUBSCRIPTION_ROTATE_SECRET = (
        "subscription.rotate_secret",
        "subscription",
        "Give a subscription another secret.",
    )
    SUBSCRIPTION_DELETE = (
        "subscription.delete",
        "subscription",
        "Delete a subscription with its messages.",
    )
    SUBSCRIPTION_REPLAY = (
        "subscription.replay",
        "subscription",
        "Send a message again, or all from a point on.",
    )
    SUBSCRIPTION_TEST = "subscription.test", "subscription", "Send a test to a subscriber."
    GUARDRAIL_SUBMIT = (
        "guardrail.submit",
        "guardrail_workflow",
        "Say a step of a guardrail deployment workflow, or begin one; `step` is its number.",
    )
    GUARDRAIL_CANCEL = (
        "guardrail.cancel",
        "guardrail_workflow",
        "Cancel a guardrail deployment workflow, and take back what it deploys.",
    )
    GUARDRAIL_LINK_RULE = (
        "guardrail.link_rule",
        "guardrail_rule",
        "Give a guardrail rule its model.",
    )
    GUARDRAIL_DELETE_TABLE = (
        "guardrail.delete_table",
        "guardrail_profile",
        "Delete what the gateway reads of a guardrail profile.",
    )
    CALLER_AUTHENTICATE = (
        "caller.authenticate",
        "",
        "Prove who one is; only refusals.",
    )
    CALLER_READ = (
        "caller.read",
        "",
        "Read, or check, what one has no right to; only refusals.",
    )
    RETENTION_RUN = (
        "retention.run",
        "",
        "Delete what is older than its retention period; only if there was any.",
    )

    def __new__(cls, word: str, noun: str, told: str) -> Self:
        """Make a member that is equal to its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.noun = noun
        member.told = told
        return member


class Result(StrEnum):
    """What came of an act."""

    DONE = "done"  #: it is lasting, together with its record
    REFUSED = "refused"  #: it was not allowed, or made no sense; ``code`` says which
    FAILED = "failed"  #: something went wrong on our side, and nothing of it happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the audit log, about to be written.

    The details are names of things and never what was sent: no params, bodies or secrets.
    """

    act: Act
    principal: str | None  #: whose credential it was; null: nobody has proven who he is
    acted_for: str | None = None  #: the owner for whom the principal acted
    owner: str | None = None  #: of the target, or, where there is none in sight, ``acted_for``
    target: str | None = None  #: the id of the target, or its name if that is what it is known by
    result: Result = Result.DONE
    code: str | None = None  #: of the refusal or failure
    request_id: str | None = None
    address: str | None = None  #: where the request came from
    details: Mapping[str, Any] = field(default_factory=dict)
    once: str | None = None  #: what makes it the same as one that was written before

    @classmethod
    def of(
        cls, caller: Caller, act: Act, target: object, owner: str | None, **details: Any
    ) -> Record:
        """That *caller* did this to *target*, which belongs to *owner*."""
        return cls(
            act=act,
            principal=caller.principal,
            acted_for=caller.user_id,
            owner=owner,
            target=None if target is None else str(target),
            request_id=caller.origin.request_id,
            address=caller.origin.address,
            details=details,
        )


def word(said: object) -> str:
    """Words from outside as they can be kept: not too many, and only what can be shown."""
    text = str(said)
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:LONGEST])
    return f"{shown}…" if len(text) > LONGEST else shown
