"""``/subscriptions``: who is told of which events, and what became of the messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import subscription_messages as sent
from pipeline_engine.services import subscriptions as services
from pipeline_engine.services.pages import Page
from pipeline_engine.services.subscriptions import Filter, Format, Shown, Wish, WithSecret

from .blueprint import Blueprint
from .context import caller, runtime, session
from .preconditions import etag, versions_if_given
from .schemas import subscriptions as wire

subscriptions = Blueprint(
    "subscriptions", __name__, description="Who is told of what happens: HTTP, Redis, Dapr."
)
#: A subscription tells what executions do: whoever makes one has to be allowed to see that.
WRITE = (Scope.SUBSCRIPTIONS_WRITE, Scope.EXECUTIONS_READ)


def _wish(body: dict[str, Any]) -> Wish:
    said = frozenset(body)
    pipeline = body.pop("workflow_id", None)
    pipeline = body.pop("pipeline_id", None) or pipeline
    form = body.pop("format", None)
    return Wish(said=said, pipeline=pipeline, format=form and Format(form), **body)


def _with_etag(shown: Shown) -> tuple[Shown, dict[str, str]]:
    return shown, etag(shown.subscription.lock_version)


@subscriptions.on("POST", operation="create_subscription", scope=WRITE, act=Act.SUBSCRIPTION_CREATE)
@subscriptions.body(wire.SubscriptionBody)
@subscriptions.answers(201, wire.MadeSubscriptionSchema)
def create(body: dict[str, Any]) -> tuple[WithSecret, dict[str, str]]:
    """Subscribe to what happens from now on. The secret of a URL is told this once only.

    Without `execution_id` and `pipeline_id` it is about all executions of the owner.
    """
    made = services.create(caller(), session(), runtime(), _wish(body))
    return made, etag(made.shown.subscription.lock_version)


@subscriptions.on("GET", operation="list_subscriptions", scope=Scope.SUBSCRIPTIONS_READ)
@subscriptions.query(wire.SubscriptionQuery)
@subscriptions.answers(200, wire.SubscriptionListSchema)
def list_subscriptions(query: dict[str, Any]) -> Any:
    """List subscriptions, newest first; also those of the topics of executions."""
    page = Page(query.pop("page"), query.pop("page_size"))
    return services.listed(caller(), session(), runtime(), Filter(**query), page)


@subscriptions.on(
    "GET", "/<subscription_id>", operation="get_subscription", scope=Scope.SUBSCRIPTIONS_READ
)
@subscriptions.answers(200, wire.SubscriptionSchema)
def show(subscription_id: str) -> Any:
    """Return one subscription, and how it stands."""
    return _with_etag(services.get(caller(), session(), runtime(), subscription_id))


@subscriptions.on(
    "PUT",
    "/<subscription_id>",
    operation="change_subscription",
    scope=WRITE,
    act=Act.SUBSCRIPTION_CHANGE,
)
@subscriptions.body(wire.SubscriptionChange)
@subscriptions.answers(200, wire.SubscriptionSchema)
def change(body: dict[str, Any], subscription_id: str) -> Any:
    """Change a subscription: what is left out stays, and what waits is sent as it was written."""
    with versions_if_given() as versions:
        shown = services.change(
            caller(), session(), runtime(), subscription_id, _wish(body), versions=versions
        )
    return _with_etag(shown)


@subscriptions.on(
    "POST",
    "/<subscription_id>/pause",
    operation="pause_subscription",
    scope=WRITE,
    act=Act.SUBSCRIPTION_PAUSE,
)
@subscriptions.answers(200, wire.SubscriptionSchema)
def pause(subscription_id: str) -> Any:
    """Send nothing for a while; what happens meanwhile is sent afterwards."""
    return _with_etag(services.pause(caller(), session(), runtime(), subscription_id))


@subscriptions.on(
    "POST",
    "/<subscription_id>/resume",
    operation="resume_subscription",
    scope=WRITE,
    act=Act.SUBSCRIPTION_RESUME,
)
@subscriptions.answers(200, wire.SubscriptionSchema)
def resume(subscription_id: str) -> Any:
    """Go on where it stopped, in order; also after the receiver was given up."""
    return _with_etag(services.resume(caller(), session(), runtime(), subscription_id))


@subscriptions.on(
    "POST",
    "/<subscription_id>/rotate-secret",
    operation="rotate_subscription_secret",
    scope=WRITE,
    act=Act.SUBSCRIPTION_ROTATE_SECRET,
)
@subscriptions.body(wire.SubscriptionRotationBody, required=False)
@subscriptions.answers(200, wire.MadeSubscriptionSchema)
def rotate_secret(body: dict[str, Any], subscription_id: str) -> tuple[WithSecret, dict[str, str]]:
    """Make a new secret, told this once; for a day, or as said, the one before signs, too."""
    overlap = timedelta(seconds=body["overlap_seconds"])
    made = services.rotate_secret(caller(), session(), runtime(), subscription_id, overlap=overlap)
    return made, etag(made.shown.subscription.lock_version)


@subscriptions.on(
    "DELETE",
    "/<subscription_id>",
    operation="delete_subscription",
    scope=WRITE,
    act=Act.SUBSCRIPTION_DELETE,
)
@subscriptions.answers(204)
def delete(subscription_id: str) -> None:
    """Delete a subscription with its messages: nothing is sent any more."""
    services.delete(caller(), session(), subscription_id)


@subscriptions.on(
    "POST",
    "/<subscription_id>/test",
    operation="test_subscription",
    scope=WRITE,
    act=Act.SUBSCRIPTION_TEST,
)
@subscriptions.answers(202, wire.MessageSchema)
def test(subscription_id: str) -> Any:
    """Let a worker send a test, once; it says what came of it as the message `id`."""
    return sent.test(caller(), session(), subscription_id)


@subscriptions.on(
    "POST",
    "/<subscription_id>/replay",
    operation="replay_subscription",
    scope=WRITE,
    act=Act.SUBSCRIPTION_REPLAY,
)
@subscriptions.body(wire.SubscriptionReplayBody)
@subscriptions.answers(202, wire.SubscriptionReplaySchema)
def replay_from(body: dict[str, Any], subscription_id: str) -> Any:
    """Send everything again from a moment or a position on, in order and under the same ids."""
    start = sent.replay_from(caller(), session(), subscription_id, **body)
    return {"position": None if start is None else str(start)}


@subscriptions.on(
    "GET",
    "/<subscription_id>/messages",
    operation="list_subscription_messages",
    scope=Scope.SUBSCRIPTIONS_READ,
)
@subscriptions.query(wire.MessageQuery)
@subscriptions.answers(200, wire.MessageListSchema)
def list_messages(query: dict[str, Any], subscription_id: str) -> Any:
    """List messages with their tries: all that wait or are dead, and the last that were sent."""
    page = Page(query["page"], query["page_size"])
    return sent.listed(caller(), session(), subscription_id, query.get("status"), page)


@subscriptions.on(
    "GET",
    "/<subscription_id>/messages/<message_id>",
    operation="get_subscription_message",
    scope=(Scope.SUBSCRIPTIONS_READ, Scope.EXECUTIONS_READ),
)
@subscriptions.answers(200, wire.MessageSchema)
def show_message(subscription_id: str, message_id: str) -> Any:
    """Return one message with what it says."""
    return sent.get(caller(), session(), subscription_id, message_id)


@subscriptions.on(
    "POST",
    "/<subscription_id>/messages/<message_id>/replay",
    operation="replay_subscription_message",
    scope=WRITE,
    act=Act.SUBSCRIPTION_REPLAY,
)
@subscriptions.answers(202, wire.MessageSchema)
def replay_message(subscription_id: str, message_id: str) -> Any:
    """Try a message anew that was sent or given up; 409 if it waits already."""
    return sent.replay_one(caller(), session(), subscription_id, message_id)
