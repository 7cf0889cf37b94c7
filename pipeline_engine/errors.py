"""Every error that Pipeline Engine raises on purpose.

The docstring of a class is its default message; ``code`` is stable and part of the API.
What HTTP makes of a class stands in one table, ``web/api/errors.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

#: What foreign code raises, for those who call it: ``sys.exit()`` in an action, or in its module,
#: must not end the process or the thread that it runs in.
FOREIGN_ERRORS = (Exception, SystemExit)


class PipelineEngineError(Exception):
    """Something in Pipeline Engine went wrong."""

    code: ClassVar[str] = "pipeline_engine_error"

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().partition("\n")[0])
        self.facts = facts


class InvalidSettings(PipelineEngineError):
    """The environment holds settings that cannot be used."""

    code = "invalid_settings"


class NoTimeZones(PipelineEngineError):
    """This machine knows no time zones: install tzdata, of the system or from PyPI."""

    code = "no_time_zones"


class NotFound(PipelineEngineError):
    """There is nothing with this identity."""

    code = "not_found"


class PipelineNotFound(NotFound):
    """There is no such pipeline."""

    code = "pipeline_not_found"


class ExecutionNotFound(NotFound):
    """There is no such execution."""

    code = "execution_not_found"


class InvalidExpression(PipelineEngineError):
    """What was to be evaluated cannot be."""

    code = "invalid_expression"


class StepNotFound(NotFound):
    """There is no such step."""

    code = "step_not_found"


class ActionNotFound(NotFound):
    """There is no such action."""

    code = "action_not_found"


class DeliveryNotFound(NotFound):
    """There is no such delivery."""

    code = "delivery_not_found"


class EventTriggerNotFound(NotFound):
    """There is no such event trigger."""

    code = "event_trigger_not_found"


class AlertRuleNotFound(NotFound):
    """There is no such alert rule."""

    code = "alert_rule_not_found"


class SecretNotFound(NotFound):
    """There is no such secret."""

    code = "secret_not_found"


class GuardrailWorkflowNotFound(NotFound):
    """There is no such guardrail deployment workflow."""

    code = "guardrail_workflow_not_found"


class ScheduleNotFound(NotFound):
    """There is no such schedule."""

    code = "schedule_not_found"


class SecretVersionNotFound(NotFound):
    """The secret has no such version; of each the ten newest are kept."""

    code = "secret_version_not_found"


class SubscriptionNotFound(NotFound):
    """There is no such subscription."""

    code = "subscription_not_found"


class MessageNotFound(NotFound):
    """The subscription keeps no such message; of those that were sent it keeps the last hundred."""

    code = "message_not_found"


class Conflict(PipelineEngineError):
    """The request does not fit the present state."""

    code = "conflict"


class DuplicateName(Conflict):
    """A pipeline of this owner has the same name already."""

    code = "duplicate_pipeline_name"


class DuplicateSubscriptionName(Conflict):
    """A subscription of this owner has the same name already."""

    code = "duplicate_subscription_name"


class AmbiguousSubscriptionName(Conflict):
    """More than one subscription has this name; say which one by its id."""

    code = "ambiguous_subscription_name"

    @classmethod
    def of(cls, name: str, ids: Iterable[object]) -> AmbiguousSubscriptionName:
        """The error for a name, which the subscriptions with these ids have."""
        listed = ", ".join(map(str, ids))
        return cls(f"More than one subscription is called {name!r}; take an id: {listed}")


class AmbiguousName(Conflict):
    """More than one pipeline has this name; say which one by its id."""

    code = "ambiguous_pipeline_name"
    noun: ClassVar[str] = "pipeline"

    @classmethod
    def of(cls, name: str, ids: Iterable[object]) -> Self:
        """The error for a name, which those with these ids have."""
        listed = ", ".join(map(str, ids))
        return cls(f"More than one {cls.noun} is called {name!r}; take an id: {listed}")


class AmbiguousScheduleName(AmbiguousName):
    """More than one schedule has this name; say which one by its id."""

    code = "ambiguous_schedule_name"
    noun = "schedule"


class NoApprovalWaits(Conflict):
    """No step of this execution waits for an approval."""

    code = "no_approval_waits"


class SeveralApprovalsWait(Conflict):
    """More than one step of this execution waits for an approval; say which one."""

    code = "several_approvals_wait"


class VersionMismatch(Conflict):
    """It was changed by somebody else since it was read."""

    code = "version_mismatch"


class TooManySecrets(Conflict):
    """The owner has as many secrets as one may have; delete one first."""

    code = "too_many_secrets"


class ActionExists(Conflict):
    """The owner has an action of this name already; replace it."""

    code = "action_exists"


class TooManySubscriptions(Conflict):
    """The owner has as many subscriptions as one may have; delete one first."""

    code = "too_many_subscriptions"


class SubscriptionEnded(Conflict):
    """The subscription has ended: its time, its execution or its pipeline is over."""

    code = "subscription_ended"


class MessageWaits(Conflict):
    """The message is about to be tried already."""

    code = "message_waits"


class AlreadyFinal(Conflict):
    """The execution has ended; it cannot be changed any more."""

    code = "execution_already_final"


class AlreadyStopped(Conflict):
    """All of the execution was stopped before; it ends when what runs has been cleaned up."""

    code = "execution_already_stopped"


class GuardrailStepNotReached(Conflict):
    """Steps before this one are not done yet; ``missing`` says which, and what they lack."""

    code = "guardrail_step_not_reached"


class GuardrailPipelineRunning(Conflict):
    """A pipeline of the workflow runs; what it needs cannot be changed until it has ended."""

    code = "guardrail_pipeline_running"


class GuardrailWorkflowEnded(Conflict):
    """The workflow is completed or cancelled; begin another one."""

    code = "guardrail_workflow_ended"


class InvalidDefinition(PipelineEngineError):
    """The pipeline definition has errors."""

    code = "invalid_definition"


class InvalidUserId(PipelineEngineError):
    """X-User-ID, or user_id, does not name a user."""

    code = "invalid_user_id"


class InvalidParams(PipelineEngineError):
    """The parameters do not fit the pipeline's declaration."""

    code = "invalid_params"


class InvalidSchedule(PipelineEngineError):
    """The schedule cannot be understood, or would never be due."""

    code = "invalid_schedule"


class ScheduleEnded(PipelineEngineError):
    """The schedule has expired or is completed; it cannot be resumed."""

    code = "schedule_ended"


class InvalidEventTrigger(PipelineEngineError):
    """The filters, expressions or times of the event trigger make no sense."""

    code = "invalid_event_trigger"


class InvalidSubscription(PipelineEngineError):
    """Such a subscription cannot be made."""

    code = "invalid_subscription"


class InvalidAlertRule(PipelineEngineError):
    """The limits of the alert rule make no sense for its kind."""

    code = "invalid_alert_rule"


class TooManyAlertRules(PipelineEngineError):
    """The owner has as many alert rules as one may have."""

    code = "too_many_alert_rules"


class InvalidSecret(PipelineEngineError):
    """The name or the value cannot be that of a secret."""

    code = "invalid_secret"


class InvalidGuardrailStep(PipelineEngineError):
    """What was sent cannot be a step of a guardrail deployment workflow."""

    code = "invalid_guardrail_step"


class InvalidAction(PipelineEngineError):
    """What was sent is no action that could be stored."""

    code = "invalid_action"


class AdministratorsOnly(PipelineEngineError):
    """Only an administrator may do this."""

    code = "administrators_only"


class PipelineArchived(PipelineEngineError):
    """The pipeline is archived; it can be started when it is restored."""

    code = "pipeline_archived"


class DraftNotExecutable(PipelineEngineError):
    """A draft pipeline with no steps cannot be executed."""

    code = "draft_not_executable"


class IdempotencyKeyReused(PipelineEngineError):
    """This Idempotency-Key was used before with another body."""

    code = "idempotency_key_reused"


class QuotaExceeded(PipelineEngineError):
    """This owner has as much of something as one may have.

    Its facts say of what (``quota``), how much that is (``limit``) and how much there is
    (``used``).
    """

    code = "quota_exceeded"


class TooManyStoredBytes(QuotaExceeded):
    """What this owner has defined takes as much room as it may; delete some pipelines."""

    code = "too_many_stored_bytes"


class TooManySchedules(QuotaExceeded):
    """This owner has as many schedules as one may have; delete one first."""

    code = "too_many_schedules"


class TooManyStoredActions(QuotaExceeded):
    """This owner has as many stored actions as one may have; delete one first."""

    code = "too_many_stored_actions"


class TooManyOpenExecutions(QuotaExceeded):
    """This owner has as many open executions as one may have; try again when some have ended."""

    code = "too_many_open_executions"


class PermissionDenied(PipelineEngineError):
    """An action needs a right that the execution does not have."""

    code = "permission_denied"


class ExternalIdTooLong(PipelineEngineError):
    """The id that an event is about has more than 512 characters."""

    code = "external_id_too_long"


class InvalidCallbackToken(PipelineEngineError):
    """The callback token is unknown, expired or was not signed by this engine."""

    code = "invalid_callback_token"


class InvalidAnswer(PipelineEngineError):
    """This answer makes no sense to the step that waits for it."""

    code = "invalid_answer"


class AnswerNotAllowed(PipelineEngineError):
    """This sender may not answer the step."""

    code = "answer_not_allowed"


class StorageUnavailable(PipelineEngineError):
    """The database cannot be reached; try again shortly."""

    code = "storage_unavailable"


class PeerUnavailable(PipelineEngineError):
    """A service that has to be asked cannot be reached; nothing was changed, try again shortly."""

    code = "peer_unavailable"


class GuardrailPipelinesMissing(PipelineEngineError):
    """The pipelines that come with the engine are not stored; the operator has to do that."""

    code = "guardrail_pipelines_missing"


class IdentityUnavailable(PipelineEngineError):
    """Whether this token is good cannot be told at the moment; try again shortly."""

    code = "identity_unavailable"


class UnknownAction(PipelineEngineError):
    """A step names an action that is not installed."""

    code = "unknown_action"
