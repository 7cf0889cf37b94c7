"""Subscriptions: who is told of which events, where, and in which form."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from uuid import UUID

#: What a topic, a channel and a stream may be called.
TOPIC = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,254}", re.ASCII)
TOPIC_RULE = "A letter, then at most 254 letters, digits, dots, underscores and hyphens."
#: Subscriptions of one owner that somebody has made, at most; those of executions end with them.
MOST_SUBSCRIPTIONS = 1000
LONGEST_OVERLAP = timedelta(days=7)  #: in which the secret before the present one signs, too
#: Entries that a Redis stream keeps, unless its subscription says otherwise, and at most.
STREAM_LENGTH, LONGEST_STREAM = 10_000, 1_000_000


class SubscriptionStatus(StrEnum):
    """Whether a subscription is served."""

    ACTIVE = "active"
    PAUSED = "paused"  #: by its owner; what happens meanwhile is sent when it is resumed
    EXPIRED = "expired"  #: its time is over, or its execution, or its pipeline was deleted
    FAILED = "failed"  #: its receiver was tried often enough; it can be resumed


class EndReason(StrEnum):
    """Why a subscription is not active any more."""

    EXPIRED = "expired"  #: its time was over
    EXECUTION_ENDED = "execution_ended"  #: the execution that it was of has ended
    PIPELINE_DELETED = "pipeline_deleted"
    GONE = "gone"  #: the receiver said 410: it wants no more
    RECEIVER_AWAY = "receiver_away"  #: no try of a message has reached it
    MESSAGES_REFUSED = "messages_refused"  #: it refused one message after the other


class Reach(StrEnum):
    """Of which executions a subscription tells; always of its owner's."""

    EXECUTION = "execution"  #: of one
    PIPELINE = "pipeline"  #: of all of one pipeline
    OWNER = "owner"  #: of all


class Format(StrEnum):
    """What a message looks like."""

    EVENT = "event"  #: a CloudEvent with one event of the history
    REFERENCE = "reference"  #: the envelope of the reference service


class TargetType(StrEnum):
    """Where messages go, and what the address is called there."""

    word: str

    HTTP = "http", "url"
    REDIS_CHANNEL = "redis_channel", "channel"
    REDIS_STREAM = "redis_stream", "stream"
    DAPR = "dapr", "topic"

    def __new__(cls, name: str, word: str = "") -> TargetType:
        """Make a member that is equal to its name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.word = word
        return member


@dataclass(frozen=True, slots=True)
class Target:
    """One place where messages go."""

    type: TargetType
    address: str  #: a URL, or the name of a channel, a stream or a topic
    max_length: int | None = None  #: of a stream


class MessageStatus(StrEnum):
    """What became of a message."""

    WAITING = "waiting"  #: for its next try, or behind one that waits
    SENT = "sent"
    DEAD = "dead"  #: given up; it can be replayed


class Origin(StrEnum):
    """Why a message is sent."""

    EVENT = "event"
    REPLAY = "replay"  #: somebody has asked for it once more
    TEST = "test"
    NOTICE = "notice"  #: a definition, or an action, has it told


#: The events of which the reference envelope tells: what it calls them, and what they are here.
REFERENCE_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "workflow_progress": ("workflow_progress",),
        "step_started": ("step_started",),
        "step_completed": ("step_completed",),
        "step_failed": ("step_failed", "step_timeout"),
        "eta_update": ("eta_update",),
        "workflow_completed": ("workflow_completed",),
        "workflow_failed": ("workflow_failed", "workflow_interrupted"),
    }
)

#: What the reference calls each of them.
REFERENCE_NAMES = {kind: name for name, kinds in REFERENCE_TYPES.items() for kind in kinds}


def heard(form: Format, wanted: Collection[str] | None) -> list[str] | None:
    """The kinds of events of the history that a subscription listens to; null is all.

    *wanted* is what its owner has asked for, in the words of the form; null is all.
    """
    if form is Format.EVENT:
        return None if wanted is None else sorted(set(wanted))
    asked = REFERENCE_TYPES if wanted is None else wanted
    return sorted({kind for name in asked for kind in REFERENCE_TYPES[name]})


def topics_of(
    topics: Iterable[str] | None, notify_topic: str | None, subscriber_ids: str | None
) -> list[str]:
    """The topics to which the events of an execution go, each once.

    The one of the notification service is among them if somebody is to be notified.
    """
    named = [*(topics or ())]
    if notify_topic and subscriber_ids:
        named.append(notify_topic)
    return list(dict.fromkeys(named))


#: The type of a message that a definition or an action has told, in the author's words.
NOTIFICATION = "notification"
#: In the envelope of the reference service: who sends it, and what it is about unless said.
SOURCE, PAYLOAD_TYPE = "budpipeline", "pipeline_execution"


def notice_id(subscription_id: UUID, event_id: int, number: int) -> str:
    """The id of what a step's notice of this *number* says of an event."""
    return f"{message_id(subscription_id, event_id)}_{number}"


def told_id(subscription_id: UUID, call: str) -> str:
    """The id of what a *call* of an action has told; the same on every attempt."""
    return f"msg_{subscription_id.hex}_{sha256(call.encode()).hexdigest()[:32]}"


def message_id(subscription_id: UUID, event_id: int) -> str:
    """The id of a message, the same on every try; without a dot, which separates what is signed."""
    return f"msg_{subscription_id.hex}_{event_id}"
