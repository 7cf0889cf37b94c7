"""Who may know of which row: the one rule, as a condition of a query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Text, any_, false, literal, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from pipeline_engine.domain.callers import Caller
from pipeline_engine.storage.tables.alerts import Alert, AlertRule
from pipeline_engine.storage.tables.audit_log import AuditRecord
from pipeline_engine.storage.tables.base import Base
from pipeline_engine.storage.tables.event_triggers import EventTrigger
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.guardrails import (
    GuardrailRuleModel,
    GuardrailRun,
    GuardrailWorkflow,
)
from pipeline_engine.storage.tables.inbox import Delivery, DeliveryTarget
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineDraft
from pipeline_engine.storage.tables.schedules import Schedule
from pipeline_engine.storage.tables.secrets import Secret
from pipeline_engine.storage.tables.stored_actions import StoredAction
from pipeline_engine.storage.tables.subscriptions import Subscription
from pipeline_engine.storage.tables.tokens import Token
from pipeline_engine.storage.tables.webhooks import Webhook, WebhookDelivery


def visible_to(model: type[Base], caller: Caller) -> ColumnElement[bool]:
    """The condition on rows of *model* that *caller* may know of.

    A service that acts for nobody sees all; everybody else what ``visible_to_owner`` says. A token
    that is bound to some pipelines sees these, and their executions, and nothing else. Steps and
    events have no owner of their own: who sees their execution sees them.
    """
    seen = true() if caller.sees_all else visible_to_owner(model, is_one_of(caller))
    if caller.only_pipelines is None:
        return seen
    pipeline = PIPELINE_OF.get(model)
    return false() if pipeline is None else seen & pipeline.in_(caller.only_pipelines)


def is_one_of(caller: Caller) -> Any:
    """The owners of *caller*, as what an owner is compared with."""
    owners = sorted(caller.owners)
    # Rows of one owner are found in their order by an index; those of several are sorted.
    return owners[0] if len(owners) == 1 else any_(literal(owners, ARRAY(Text)))


def visible_to_owner(model: type[Base], owner: Any) -> ColumnElement[bool]:
    """The same for one owner: a value, or an expression that stands for it in a statement."""
    return RULES[model](owner)


def _sees_delivery(owner: Any) -> ColumnElement[bool]:
    offered = select(DeliveryTarget.delivery_id).where(DeliveryTarget.owner == owner)
    return or_(Delivery.owner == owner, Delivery.id.in_(offered))


#: Condition under which an owner sees a row, by table: it is the owner's own. Pipelines and
#: actions of the system are seen by all, deliveries also by the owner of a step that they were
#: offered to.
RULES: Mapping[type[Base], Callable[[Any], ColumnElement[bool]]] = MappingProxyType(
    {
        Alert: lambda owner: Alert.user_id == owner,
        AlertRule: lambda owner: AlertRule.user_id == owner,
        AuditRecord: lambda owner: AuditRecord.owner == owner,
        Delivery: _sees_delivery,
        DeliveryTarget: lambda owner: DeliveryTarget.owner == owner,
        EventTrigger: lambda owner: EventTrigger.user_id == owner,
        Execution: lambda owner: Execution.user_id == owner,
        GuardrailRuleModel: lambda owner: GuardrailRuleModel.user_id == owner,
        GuardrailRun: lambda owner: GuardrailRun.user_id == owner,
        GuardrailWorkflow: lambda owner: GuardrailWorkflow.user_id == owner,
        Pipeline: lambda owner: or_(Pipeline.user_id == owner, Pipeline.system_owned),
        PipelineDraft: lambda owner: PipelineDraft.user_id == owner,
        Schedule: lambda owner: Schedule.user_id == owner,
        Secret: lambda owner: Secret.user_id == owner,
        StoredAction: lambda owner: or_(
            StoredAction.user_id == owner, StoredAction.user_id.is_(None)
        ),
        Subscription: lambda owner: Subscription.user_id == owner,
        Token: lambda owner: Token.user_id == owner,
        Webhook: lambda owner: Webhook.user_id == owner,
        WebhookDelivery: lambda owner: WebhookDelivery.owner == owner,
    }
)
#: What says of which pipeline a row is; other tables are out of sight of a token that is bound.
PIPELINE_OF: Mapping[type[Base], Any] = MappingProxyType(
    {
        Alert: Alert.pipeline_id,
        AlertRule: AlertRule.pipeline_id,
        EventTrigger: EventTrigger.pipeline_id,
        Execution: Execution.pipeline_id,
        Pipeline: Pipeline.id,
        PipelineDraft: PipelineDraft.pipeline_id,
        Schedule: Schedule.pipeline_id,
        Subscription: Subscription.pipeline_id,
    }
)
