"""All that an action may import; the rest of the engine is none of its business."""

from __future__ import annotations

from pipeline_engine.domain.action_params import (
    ParamProblem,
    check_params,
    holds_template,
    is_templated,
    param_problems,
)
from pipeline_engine.domain.actions import (
    ActionExample,
    ActionMeta,
    ConditionalVisibility,
    ExecutionMode,
    InnerAction,
    JsonShape,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    RetryPolicy,
    SelectOption,
)
from pipeline_engine.domain.expressions import BudgetSpent, ExpressionError, SecretMisused
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.domain.retry_after import retry_after
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.domain.validation.formats import Format
from pipeline_engine.domain.validation.rules import NestedRules, ValidationRules
from pipeline_engine.errors import AnswerNotAllowed, InvalidAnswer
from pipeline_engine.sdk.action_log import ActionLog
from pipeline_engine.sdk.answers import problem, read_answer
from pipeline_engine.sdk.bodies import read_body, read_into
from pipeline_engine.sdk.celery_tasks import CELERY_TASK_ENDED, CeleryTask
from pipeline_engine.sdk.contents import Content, charset_in, content_of
from pipeline_engine.sdk.context import ActionContext, EventContext
from pipeline_engine.sdk.engine_api import EngineApi, NullEngine
from pipeline_engine.sdk.envelope import EventEnvelope
from pipeline_engine.sdk.errors import (
    ActionError,
    ContradictoryResult,
    InvalidActionParams,
    OutcomeUnknown,
    RequestBlocked,
    ServiceError,
)
from pipeline_engine.sdk.executor import BaseActionExecutor, register_action, run_maybe_async
from pipeline_engine.sdk.fan_out import (
    FanOutActionExecutor,
    Item,
    ItemResult,
    MoreItems,
    collected,
    failures_in_words,
)
from pipeline_engine.sdk.gateway_tables import GatewayTables
from pipeline_engine.sdk.guarded_http import GuardedSession
from pipeline_engine.sdk.peer_api import PeerApi
from pipeline_engine.sdk.peers import Peers
from pipeline_engine.sdk.results import ActionResult, EventAction, EventResult
from pipeline_engine.sdk.services import CALLBACK_TOPIC, ServiceResponse, path_segment, settings
from pipeline_engine.sdk.templates import (
    compile_templates,
    evaluate_condition,
    join_texts,
    number_in_range,
    pay_for,
    read_json,
    render_value,
    text_of,
)
from pipeline_engine.sdk.timed_http import timed
from pipeline_engine.sdk.words import in_words, reason_of

__all__ = [
    "CALLBACK_TOPIC",
    "CELERY_TASK_ENDED",
    "ActionContext",
    "ActionError",
    "ActionExample",
    "ActionLog",
    "ActionMeta",
    "ActionResult",
    "AnswerNotAllowed",
    "BaseActionExecutor",
    "BudgetSpent",
    "CeleryTask",
    "ConditionalVisibility",
    "Content",
    "ContradictoryResult",
    "EngineApi",
    "EventAction",
    "EventContext",
    "EventEnvelope",
    "EventResult",
    "ExecutionMode",
    "ExecutionStatus",
    "ExpressionError",
    "FanOutActionExecutor",
    "Format",
    "GatewayTables",
    "GuardedSession",
    "InnerAction",
    "InvalidActionParams",
    "InvalidAnswer",
    "Item",
    "ItemResult",
    "JsonShape",
    "MoreItems",
    "NestedRules",
    "NullEngine",
    "OutcomeUnknown",
    "OutputDefinition",
    "ParamDefinition",
    "ParamProblem",
    "ParamType",
    "PeerApi",
    "Peers",
    "QueueName",
    "RequestBlocked",
    "RetryPolicy",
    "SecretMisused",
    "SelectOption",
    "ServiceError",
    "ServiceResponse",
    "StepStatus",
    "ValidationRules",
    "charset_in",
    "check_params",
    "collected",
    "compile_templates",
    "content_of",
    "evaluate_condition",
    "failures_in_words",
    "holds_template",
    "in_words",
    "is_templated",
    "join_texts",
    "number_in_range",
    "param_problems",
    "path_segment",
    "pay_for",
    "problem",
    "read_answer",
    "read_body",
    "read_into",
    "read_json",
    "reason_of",
    "register_action",
    "render_value",
    "retry_after",
    "run_maybe_async",
    "settings",
    "text_of",
    "timed",
]
