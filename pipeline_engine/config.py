"""The only reader of the environment: one frozen ``Settings``, every problem reported at once.

Names that clients of the reference service know keep their names (docs/reference/settings.md).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, validate, validates_schema
from marshmallow import fields as ma

from pipeline_engine.errors import InvalidSettings
from pipeline_engine.setting_kinds import (
    CeleryApps,
    JsonMap,
    Limits,
    MarketplaceSource,
    MarketplaceSources,
    Quotas,
    RetentionRule,
    RetentionRules,
    WordLists,
    Words,
    WordsOrList,
    are_asymmetric,
    is_cron,
    is_database_url,
    is_faults,
    is_file,
    is_issuer,
    is_key_url,
    is_redis_url,
)

NOT_NEGATIVE = validate.Range(min=0)
AT_LEAST_ONE = validate.Range(min=1)
POSITIVE = validate.Range(min=0, min_inclusive=False)
#: Seconds, and intervals, without a sweep after which it is late; the longer of the two counts.
LATE_SECONDS, LATE_INTERVALS = 10.0, 5
NOTHING: Mapping[str, str] = MappingProxyType({})
NO_APPS: Mapping[str, Mapping[str, str]] = MappingProxyType({})
NO_QUOTAS: Mapping[str, Mapping[str, int | None]] = MappingProxyType({})
NO_LIMITS: Mapping[str, int] = MappingProxyType({})
#: Prefix of secrets: ``PIPELINE_SECRET__GIT_TOKEN`` is ``{{ secrets.git_token }}`` in a template.
SECRET_PREFIX = "PIPELINE_SECRET__"  # noqa: S105 (the name of a variable)
#: What installing a package needs.
MARKETPLACE = ("marketplace_sources", "marketplace_state")
#: What keeps isolated actions from files and network; ``auto`` is the best that works here.
SANDBOXES = ("auto", "bubblewrap", "landlock", "off")
EVERYBODY = "*"  #: among the owners to whom something is lent


def _variable(name: str, kind: ma.Field[Any], *, shown: bool = True) -> Any:
    """Declare one setting: the environment variable that it comes from, and its type.

    What is not *shown* stays out of logs and tracebacks.
    """
    kind.data_key = name
    return field(metadata={"variable": kind}, repr=shown)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What this process was told by its environment; passed in wherever it is needed."""

    # Servers and addresses
    database_url: str = _variable(
        "DATABASE_URL", ma.String(required=True, validate=is_database_url), shown=False
    )
    redis_url: str = _variable(
        "REDIS_URL", ma.String(required=True, validate=is_redis_url), shown=False
    )
    key_prefix: str = _variable(
        "PIPELINE_KEY_PREFIX", ma.String(load_default="pe:", validate=validate.Length(min=1))
    )
    public_url: str = _variable(
        "PIPELINE_PUBLIC_URL", ma.String(load_default="http://127.0.0.1:9082")
    )
    flower_url: str | None = _variable(
        "FLOWER_URL", ma.String(load_default=None, validate=validate.URL(require_tld=False))
    )
    service_urls: Mapping[str, str] = _variable(
        "PIPELINE_SERVICE_URLS", JsonMap(load_default=NOTHING)
    )
    peers_with_idempotency: tuple[str, ...] = _variable(
        "PIPELINE_PEERS_WITH_IDEMPOTENCY", Words(load_default=())
    )
    dapr_http_endpoint: str | None = _variable("DAPR_HTTP_ENDPOINT", ma.String(load_default=None))
    pubsub_name: str = _variable("PUBSUB_NAME", ma.String(load_default="pubsub"))
    notify_service_topic: str | None = _variable(
        "NOTIFY_SERVICE_TOPIC", ma.String(load_default=None)
    )
    notification_webhook_url: str | None = _variable(
        "PIPELINE_NOTIFICATION_WEBHOOK_URL", ma.String(load_default=None), shown=False
    )
    gateway_redis_url: str | None = _variable(
        "PIPELINE_GATEWAY_REDIS_URL",
        ma.String(load_default=None, validate=is_redis_url),
        shown=False,
    )
    gateway_api_key: str | None = _variable(
        "PIPELINE_GATEWAY_API_KEY", ma.String(load_default=None), shown=False
    )
    budapp_app_id: str = _variable("BUDAPP_APP_ID", ma.String(load_default="budapp"))
    budcluster_app_id: str = _variable("BUDCLUSTER_APP_ID", ma.String(load_default="budcluster"))
    budmodel_app_id: str = _variable("BUDMODEL_APP_ID", ma.String(load_default="budmodel"))
    budsim_app_id: str = _variable("BUDSIM_APP_ID", ma.String(load_default="budsim"))
    budnotify_app_id: str = _variable("BUDNOTIFY_APP_ID", ma.String(load_default="budnotify"))
    budmetrics_app_id: str = _variable("BUDMETRICS_APP_ID", ma.String(load_default="budmetrics"))

    # Identity and secrets
    api_tokens: tuple[str, ...] = _variable(
        "PIPELINE_API_TOKEN", Words(load_default=()), shown=False
    )
    user_tokens: Mapping[str, str] = _variable(
        "PIPELINE_USER_TOKENS", JsonMap(load_default=NOTHING), shown=False
    )
    roles: Mapping[str, tuple[str, ...]] = _variable(
        "PIPELINE_ROLES", WordLists(load_default=MappingProxyType({}))
    )
    secret_key: str = _variable(
        "PIPELINE_SECRET_KEY",
        ma.String(required=True, validate=validate.Length(min=16)),
        shown=False,
    )
    old_secret_keys: tuple[str, ...] = _variable(
        "PIPELINE_OLD_SECRET_KEYS", Words(load_default=()), shown=False
    )
    secrets_owners: tuple[str, ...] = _variable("PIPELINE_SECRETS_OWNERS", Words(load_default=()))
    app_api_token: str | None = _variable(
        "APP_API_TOKEN", ma.String(load_default=None), shown=False
    )
    dapr_api_token: str | None = _variable(
        "DAPR_API_TOKEN", ma.String(load_default=None), shown=False
    )
    system_user_id: str | None = _variable("SYSTEM_USER_ID", ma.String(load_default=None))

    # Sign-in with JWTs
    oidc_issuer: str | None = _variable(
        "PIPELINE_OIDC_ISSUER", ma.String(load_default=None, validate=is_issuer)
    )
    oidc_audience: str | None = _variable("PIPELINE_OIDC_AUDIENCE", ma.String(load_default=None))
    oidc_jwks_url: str | None = _variable(
        "PIPELINE_OIDC_JWKS_URL", ma.String(load_default=None, validate=is_key_url)
    )
    oidc_ca_file: str | None = _variable(
        "PIPELINE_OIDC_CA_FILE", ma.String(load_default=None, validate=is_file)
    )
    oidc_algorithms: tuple[str, ...] = _variable(
        "PIPELINE_OIDC_ALGORITHMS",
        Words(load_default=("RS256", "PS256", "ES256", "EdDSA"), validate=are_asymmetric),
    )
    oidc_subject_claim: str = _variable(
        "PIPELINE_OIDC_SUBJECT_CLAIM", ma.String(load_default="sub")
    )
    oidc_groups_claim: str = _variable(
        "PIPELINE_OIDC_GROUPS_CLAIM", ma.String(load_default="groups")
    )
    oidc_roles_claim: str = _variable(
        "PIPELINE_OIDC_ROLES_CLAIM", ma.String(load_default="realm_access.roles")
    )
    oidc_leeway_seconds: float = _variable(
        "PIPELINE_OIDC_LEEWAY_SECONDS",
        ma.Float(load_default=30.0, validate=validate.Range(0, 300)),
    )
    oidc_max_lifetime_seconds: float = _variable(
        "PIPELINE_OIDC_MAX_LIFETIME_SECONDS", ma.Float(load_default=86_400.0, validate=POSITIVE)
    )
    oidc_keys_fresh_seconds: float = _variable(
        "PIPELINE_OIDC_KEYS_FRESH_SECONDS",
        ma.Float(load_default=300.0, validate=validate.Range(min=60)),
    )
    oidc_keys_kept_seconds: float = _variable(
        "PIPELINE_OIDC_KEYS_KEPT_SECONDS",
        ma.Float(load_default=86_400.0, validate=validate.Range(min=60)),
    )

    # What http_request may reach although it is not on the public Internet
    http_allowed_hosts: tuple[str, ...] = _variable(
        "PIPELINE_HTTP_ALLOWED_HOSTS", Words(load_default=())
    )
    http_allowed_ports: tuple[str, ...] = _variable(
        "PIPELINE_HTTP_ALLOWED_PORTS", Words(load_default=())
    )

    # Whose Celery tasks a step may run
    celery_apps: Mapping[str, Mapping[str, str]] = _variable(
        "PIPELINE_CELERY_APPS", CeleryApps(load_default=NO_APPS), shown=False
    )
    celery_tasks_allowed: tuple[str, ...] = _variable(
        "PIPELINE_CELERY_TASKS_ALLOWED", Words(load_default=())
    )

    # Packages of actions from others
    marketplace_sources: tuple[MarketplaceSource, ...] = _variable(
        "PIPELINE_MARKETPLACE_SOURCES", MarketplaceSources(load_default=())
    )
    marketplace_state: str | None = _variable(
        "PIPELINE_MARKETPLACE_STATE", ma.String(load_default=None)
    )

    # Actions of packages that run in processes of their own
    trusted_packages: tuple[str, ...] = _variable(
        "PIPELINE_TRUSTED_PACKAGES", WordsOrList(load_default=())
    )
    isolated_sandbox: str = _variable(
        "PIPELINE_ISOLATED_SANDBOX",
        ma.String(load_default="auto", validate=validate.OneOf(SANDBOXES)),
    )
    isolated_memory_mb: int = _variable(
        "PIPELINE_ISOLATED_MEMORY_MB",
        ma.Integer(load_default=512, validate=validate.Range(min=256)),
    )
    isolated_cpu_seconds: int = _variable(
        "PIPELINE_ISOLATED_CPU_SECONDS", ma.Integer(load_default=60, validate=AT_LEAST_ONE)
    )
    isolated_file_mb: int = _variable(
        "PIPELINE_ISOLATED_FILE_MB", ma.Integer(load_default=64, validate=AT_LEAST_ONE)
    )
    isolated_processes: int = _variable(
        "PIPELINE_ISOLATED_PROCESSES", ma.Integer(load_default=32, validate=validate.Range(min=4))
    )
    isolated_children: int = _variable(
        "PIPELINE_ISOLATED_CHILDREN", ma.Integer(load_default=4, validate=AT_LEAST_ONE)
    )

    # Logs
    log_level: str = _variable("LOG_LEVEL", ma.String(load_default="INFO"))
    log_format: str = _variable(
        "PIPELINE_LOG_FORMAT",
        ma.String(load_default="text", validate=validate.OneOf(["text", "json"])),
    )

    # Scheduler
    lease_seconds: float = _variable(
        "PIPELINE_LEASE_SECONDS", ma.Float(load_default=15.0, validate=POSITIVE)
    )
    sweep_interval_seconds: float = _variable(
        "PIPELINE_SWEEP_INTERVAL_SECONDS", ma.Float(load_default=1.0, validate=POSITIVE)
    )
    republish_after_seconds: float = _variable(
        "PIPELINE_REPUBLISH_AFTER_SECONDS", ma.Float(load_default=10.0, validate=POSITIVE)
    )
    scheduler_poll_interval: float = _variable(
        "SCHEDULER_POLL_INTERVAL", ma.Float(load_default=60.0, validate=POSITIVE)
    )
    scheduler_max_concurrent_jobs: int = _variable(
        "SCHEDULER_MAX_CONCURRENT_JOBS",
        ma.Integer(load_default=100, validate=validate.Range(1, 1000)),
    )
    max_lost_attempts: int = _variable(
        "PIPELINE_MAX_LOST_ATTEMPTS", ma.Integer(load_default=5, validate=AT_LEAST_ONE)
    )
    chunk_size: int = _variable(
        "PIPELINE_CHUNK_SIZE", ma.Integer(load_default=200, validate=validate.Range(1, 500))
    )
    worker_slots: int = _variable(
        "PIPELINE_WORKER_SLOTS", ma.Integer(load_default=2, validate=AT_LEAST_ONE)
    )
    wave_messages: int = _variable(
        "PIPELINE_WAVE_MESSAGES", ma.Integer(load_default=64, validate=AT_LEAST_ONE)
    )
    plain_turns: bool = _variable("PIPELINE_PLAIN_TURNS", ma.Boolean(load_default=False))
    cheap_step_seconds: float = _variable(
        "PIPELINE_CHEAP_STEP_SECONDS",
        ma.Float(load_default=5.0, validate=validate.Range(0.1, 30)),
    )
    shutdown_seconds: float = _variable(
        "PIPELINE_SHUTDOWN_SECONDS", ma.Float(load_default=300.0, validate=POSITIVE)
    )
    worker_events: bool = _variable("PIPELINE_WORKER_EVENTS", ma.Boolean(load_default=False))

    # Events
    event_buffer_seconds: float = _variable(
        "PIPELINE_EVENT_BUFFER_SECONDS", ma.Float(load_default=86_400.0, validate=POSITIVE)
    )
    event_repeat_seconds: float = _variable(
        "PIPELINE_EVENT_REPEAT_SECONDS", ma.Float(load_default=60.0, validate=NOT_NEGATIVE)
    )

    # Webhooks
    webhook_max_body_bytes: int = _variable(
        "PIPELINE_WEBHOOK_MAX_BODY_BYTES", ma.Integer(load_default=1_048_576, validate=AT_LEAST_ONE)
    )
    webhook_kept_body_bytes: int = _variable(
        "PIPELINE_WEBHOOK_KEPT_BODY_BYTES", ma.Integer(load_default=262_144, validate=NOT_NEGATIVE)
    )
    webhook_rate_limit: int = _variable(
        "PIPELINE_WEBHOOK_RATE_LIMIT", ma.Integer(load_default=600, validate=NOT_NEGATIVE)
    )

    # Messages to subscribers
    message_threads: int = _variable(
        "PIPELINE_MESSAGE_THREADS", ma.Integer(load_default=16, validate=validate.Range(2, 200))
    )
    message_timeout_seconds: float = _variable(
        "PIPELINE_MESSAGE_TIMEOUT_SECONDS",
        ma.Float(load_default=10.0, validate=validate.Range(0.1, 60)),
    )
    message_tries: int = _variable(
        "PIPELINE_MESSAGE_TRIES", ma.Integer(load_default=16, validate=validate.Range(1, 100))
    )
    message_backoff_seconds: float = _variable(
        "PIPELINE_MESSAGE_BACKOFF_SECONDS", ma.Float(load_default=5.0, validate=POSITIVE)
    )
    message_max_backoff_seconds: float = _variable(
        "PIPELINE_MESSAGE_MAX_BACKOFF_SECONDS", ma.Float(load_default=14_400.0, validate=POSITIVE)
    )
    message_retention_days: int = _variable(
        "PIPELINE_MESSAGE_RETENTION_DAYS", ma.Integer(load_default=14, validate=AT_LEAST_ONE)
    )

    # Degraded service
    db_retry_max_attempts: int = _variable(
        "DB_RETRY_MAX_ATTEMPTS", ma.Integer(load_default=3, validate=validate.Range(1, 10))
    )
    db_retry_exponential_base: float = _variable(
        "DB_RETRY_EXPONENTIAL_BASE", ma.Float(load_default=2.0, validate=AT_LEAST_ONE)
    )
    circuit_failure_threshold: int = _variable(
        "CIRCUIT_BREAKER_FAILURE_THRESHOLD", ma.Integer(load_default=5, validate=AT_LEAST_ONE)
    )
    circuit_recovery_seconds: float = _variable(
        "CIRCUIT_BREAKER_RECOVERY_TIMEOUT", ma.Float(load_default=30.0, validate=POSITIVE)
    )

    # Defaults of steps and executions
    execution_timeout_seconds: int = _variable(
        "WORKFLOW_DEFAULT_TIMEOUT", ma.Integer(load_default=7200, validate=AT_LEAST_ONE)
    )
    handlers_timeout_seconds: int = _variable(
        "PIPELINE_HANDLERS_TIMEOUT_SECONDS", ma.Integer(load_default=30, validate=AT_LEAST_ONE)
    )
    clean_up_timeout_seconds: float = _variable(
        "PIPELINE_CLEAN_UP_TIMEOUT_SECONDS", ma.Float(load_default=60.0, validate=POSITIVE)
    )
    max_parallel_steps: int = _variable(
        "WORKFLOW_MAX_PARALLEL_STEPS", ma.Integer(load_default=10, validate=validate.Range(1, 100))
    )
    step_timeout_seconds: int = _variable(
        "STEP_DEFAULT_TIMEOUT", ma.Integer(load_default=300, validate=AT_LEAST_ONE)
    )
    parked_timeout_seconds: int = _variable(
        "DEFAULT_ASYNC_STEP_TIMEOUT", ma.Integer(load_default=1800, validate=AT_LEAST_ONE)
    )
    retry_max_attempts: int = _variable(
        "RETRY_MAX_ATTEMPTS", ma.Integer(load_default=3, validate=validate.Range(1, 10))
    )
    retry_backoff_seconds: float = _variable(
        "RETRY_BACKOFF_SECONDS", ma.Float(load_default=60.0, validate=POSITIVE)
    )
    retry_backoff_multiplier: float = _variable(
        "RETRY_BACKOFF_MULTIPLIER", ma.Float(load_default=2.0, validate=AT_LEAST_ONE)
    )
    retry_max_backoff_seconds: float = _variable(
        "RETRY_MAX_BACKOFF_SECONDS", ma.Float(load_default=3600.0, validate=POSITIVE)
    )

    # Limits
    max_steps: int = _variable(
        "PIPELINE_MAX_STEPS", ma.Integer(load_default=2000, validate=AT_LEAST_ONE)
    )
    max_edges: int = _variable(
        "PIPELINE_MAX_EDGES", ma.Integer(load_default=10_000, validate=AT_LEAST_ONE)
    )
    max_items: int = _variable(
        "PIPELINE_MAX_ITEMS", ma.Integer(load_default=10_000, validate=AT_LEAST_ONE)
    )
    max_tree_depth: int = _variable(
        "PIPELINE_MAX_TREE_DEPTH", ma.Integer(load_default=10, validate=AT_LEAST_ONE)
    )
    max_tree_executions: int = _variable(
        "PIPELINE_MAX_TREE_EXECUTIONS", ma.Integer(load_default=1000, validate=AT_LEAST_ONE)
    )
    max_open_executions: int = _variable(
        "PIPELINE_MAX_OPEN_EXECUTIONS", ma.Integer(load_default=10_000, validate=AT_LEAST_ONE)
    )
    max_parked_steps: int | None = _variable(
        "PIPELINE_MAX_PARKED_STEPS", ma.Integer(load_default=None, validate=AT_LEAST_ONE)
    )
    max_stored_bytes: int | None = _variable(
        "PIPELINE_MAX_STORED_BYTES", ma.Integer(load_default=None, validate=AT_LEAST_ONE)
    )
    max_schedules: int | None = _variable(
        "PIPELINE_MAX_SCHEDULES", ma.Integer(load_default=None, validate=AT_LEAST_ONE)
    )
    max_stored_actions: int | None = _variable(
        "PIPELINE_MAX_STORED_ACTIONS", ma.Integer(load_default=500, validate=AT_LEAST_ONE)
    )
    quotas: Mapping[str, Mapping[str, int | None]] = _variable(
        "PIPELINE_QUOTAS", Quotas(load_default=NO_QUOTAS)
    )
    #: by action or ``tag:<name>``: how many of its steps there may be at once, of all owners
    action_limits: Mapping[str, int] = _variable(
        "PIPELINE_ACTION_LIMITS", Limits(load_default=NO_LIMITS)
    )
    max_body_bytes: int = _variable(
        "PIPELINE_MAX_BODY_BYTES", ma.Integer(load_default=1_048_576, validate=AT_LEAST_ONE)
    )
    max_delivery_bytes: int = _variable(
        "PIPELINE_MAX_DELIVERY_BYTES", ma.Integer(load_default=262_144, validate=AT_LEAST_ONE)
    )
    max_output_bytes: int = _variable(
        "PIPELINE_MAX_OUTPUT_BYTES",
        ma.Integer(load_default=327_680, validate=validate.Range(min=2048)),
    )
    log_lines_per_attempt: int = _variable(
        "PIPELINE_LOG_LINES_PER_ATTEMPT",
        ma.Integer(load_default=1000, validate=validate.Range(min=0, max=100_000)),
    )
    max_joined_bytes: int = _variable(
        "PIPELINE_MAX_JOINED_BYTES", ma.Integer(load_default=16_777_216, validate=AT_LEAST_ONE)
    )

    # Web processes: what one of them takes on at a time
    web_threads: int = _variable(
        "PIPELINE_WEB_THREADS", ma.Integer(load_default=16, validate=AT_LEAST_ONE)
    )
    web_max_queued: int = _variable(
        "PIPELINE_WEB_MAX_QUEUED", ma.Integer(load_default=256, validate=AT_LEAST_ONE)
    )
    web_max_waiting: int = _variable(
        "PIPELINE_WEB_MAX_WAITING", ma.Integer(load_default=1000, validate=AT_LEAST_ONE)
    )
    web_max_streams: int = _variable(
        "PIPELINE_WEB_MAX_STREAMS", ma.Integer(load_default=2000, validate=AT_LEAST_ONE)
    )
    web_max_connections: int = _variable(
        "PIPELINE_WEB_MAX_CONNECTIONS", ma.Integer(load_default=4000, validate=AT_LEAST_ONE)
    )
    web_request_seconds: float = _variable(
        "PIPELINE_WEB_REQUEST_SECONDS", ma.Float(load_default=30.0, validate=POSITIVE)
    )

    # How often one may ask
    rate_limit: int = _variable(
        "PIPELINE_RATE_LIMIT", ma.Integer(load_default=1000, validate=NOT_NEGATIVE)
    )
    rate_limit_seconds: float = _variable(
        "PIPELINE_RATE_LIMIT_SECONDS", ma.Float(load_default=60.0, validate=POSITIVE)
    )
    address_rate_limit: int = _variable(
        "PIPELINE_ADDRESS_RATE_LIMIT", ma.Integer(load_default=100, validate=NOT_NEGATIVE)
    )
    trusted_proxies: int = _variable(
        "PIPELINE_TRUSTED_PROXIES", ma.Integer(load_default=0, validate=validate.Range(0, 10))
    )

    # Retention
    retention_days: int = _variable(
        "PIPELINE_RETENTION_DAYS", ma.Integer(load_default=30, validate=AT_LEAST_ONE)
    )
    retention_rules: tuple[RetentionRule, ...] = _variable(
        "PIPELINE_RETENTION_RULES", RetentionRules(load_default=())
    )
    delivery_retention_days: int | None = _variable(
        "PIPELINE_DELIVERY_RETENTION_DAYS", ma.Integer(load_default=None, validate=AT_LEAST_ONE)
    )
    webhook_delivery_retention_days: int | None = _variable(
        "PIPELINE_WEBHOOK_DELIVERY_RETENTION_DAYS",
        ma.Integer(load_default=None, validate=AT_LEAST_ONE),
    )
    schedule_fire_days: int = _variable(
        "PIPELINE_SCHEDULE_FIRE_RETENTION_DAYS", ma.Integer(load_default=90, validate=AT_LEAST_ONE)
    )
    guardrail_retention_days: int = _variable(
        "PIPELINE_GUARDRAIL_RETENTION_DAYS", ma.Integer(load_default=365, validate=AT_LEAST_ONE)
    )
    archive_directory: str | None = _variable(
        "PIPELINE_ARCHIVE_DIRECTORY", ma.String(load_default=None)
    )
    audit_retention_days: int = _variable(
        "PIPELINE_AUDIT_RETENTION_DAYS", ma.Integer(load_default=365, validate=AT_LEAST_ONE)
    )
    session_retention_days: int = _variable(
        "PIPELINE_SESSION_RETENTION_DAYS", ma.Integer(load_default=30, validate=AT_LEAST_ONE)
    )
    draft_retention_days: int = _variable(
        "PIPELINE_DRAFT_RETENTION_DAYS", ma.Integer(load_default=365, validate=AT_LEAST_ONE)
    )
    cleanup_schedule: str = _variable(
        "PIPELINE_CLEANUP_SCHEDULE", ma.String(load_default="0 3 * * *", validate=is_cron)
    )

    # Development
    reload: bool = _variable("PIPELINE_RELOAD", ma.Boolean(load_default=False))

    # Tests
    failpoints: str | None = _variable(
        "PE_FAILPOINTS", ma.String(load_default=None, validate=is_faults)
    )

    #: the installation's own ``secrets``, for those to whom they are lent; never stored
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read *env* (the process's environment by default).

        Raises ``InvalidSettings`` with every problem, not only the first one.
        """
        given = _given(env)
        try:
            return cls(**_schema().load(given), secrets=_secrets(given))
        except ValidationError as error:
            raise _invalid(error) from error

    @classmethod
    def database_url_from_env(cls, env: Mapping[str, str] | None = None) -> str:
        """Read the one setting that work on the schema needs.  Raises ``InvalidSettings``."""
        return str(cls.some_from_env("database_url", env=env)["database_url"])

    @staticmethod
    def some_from_env(*names: str, env: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Read these alone, for what needs no others.  Raises ``InvalidSettings``."""
        try:
            return MappingProxyType(dict(_schema(only=names).load(_given(env))))
        except ValidationError as error:
            raise _invalid(error) from error

    @classmethod
    def marketplace_from_env(cls, env: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Read what installing a package needs; no server has to be there for that.

        Raises ``InvalidSettings``.
        """
        return cls.some_from_env(*MARKETPLACE, env=env)

    def lends_secrets_to(self, owner: str | None) -> bool:
        """Whether the definitions of *owner* may name the installation's own secrets."""
        return owner is None or not {owner, EVERYBODY}.isdisjoint(self.secrets_owners)

    def quota(self, name: str, owner: str | None) -> int | None:
        """How much *owner* may have of one of ``QUOTAS``; null is no limit.

        The system is the owner without a name.
        """
        usual: int | None = getattr(self, f"max_{name}")
        return self.quotas.get(owner or "", {}).get(name, usual)

    @cached_property
    def limits_parked_steps(self) -> bool:
        """Whether any owner may have so many of them only."""
        own = (quotas.get("parked_steps") for quotas in self.quotas.values())
        return any(most is not None for most in (self.max_parked_steps, *own))

    @property
    def delivery_days(self) -> int:
        """For how long after it came a settled delivery is kept."""
        return self.delivery_retention_days or self.retention_days

    @property
    def webhook_delivery_days(self) -> int:
        """The same for one of a webhook."""
        return self.webhook_delivery_retention_days or self.retention_days

    @property
    def lease(self) -> timedelta:
        """How long a worker may stay silent before its step is given to another."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def sweep_late_after(self) -> float:
        """Seconds without a sweep after which something is wrong."""
        return max(LATE_SECONDS, LATE_INTERVALS * self.sweep_interval_seconds)

    @property
    def republish_after(self) -> timedelta:
        """How long a queued step may stay unclaimed before its message counts as lost."""
        return timedelta(seconds=self.republish_after_seconds)

    @property
    def clean_up_timeout(self) -> timedelta:
        """How long the clean-up of a stopped step may take."""
        return timedelta(seconds=self.clean_up_timeout_seconds)

    @cached_property
    def app_ids(self) -> Mapping[str, str]:
        """The application id of each peer service, by the name that actions use for it."""
        return {peer: getattr(self, f"{peer}_app_id") for peer in _peers()}


@cache
def _peers() -> tuple[str, ...]:
    """Return the peers that have an application id; found once, since every step asks."""
    names = (f.name for f in fields(Settings))
    return tuple(n.removesuffix("_app_id") for n in names if n.endswith("_app_id"))


def setting_names() -> tuple[str, ...]:
    """Every environment variable that is read, for the documentation and its test."""
    return tuple(f.metadata["variable"].data_key for f in fields(Settings) if f.metadata)


def _given(env: Mapping[str, str] | None) -> dict[str, str]:
    return {k: v for k, v in (os.environ if env is None else env).items() if v != ""}


class _Together(Schema):
    """What settings demand of each other."""

    @validates_schema(skip_on_field_errors=False)
    def _has_an_audience(self, loaded: Mapping[str, Any], **_: Any) -> None:
        # Without one, a token that was made for any other service would open this one.
        if loaded.get("oidc_issuer") and not loaded.get("oidc_audience"):
            raise ValidationError("Required with PIPELINE_OIDC_ISSUER.", "PIPELINE_OIDC_AUDIENCE")
        if not loaded.get("oidc_issuer") and loaded.get("oidc_audience"):
            raise ValidationError("Required with PIPELINE_OIDC_AUDIENCE.", "PIPELINE_OIDC_ISSUER")


def _schema(only: Sequence[str] | None = None) -> Schema:
    variables = {f.name: f.metadata["variable"] for f in fields(Settings) if f.metadata}
    return _Together.from_dict(variables, name="SettingsSchema")(unknown=EXCLUDE, only=only)


def _invalid(error: ValidationError) -> InvalidSettings:
    problems = dict(sorted(dict(error.messages_dict).items()))
    lines = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in problems.items())
    return InvalidSettings(f"Settings cannot be used: {lines}", problems=problems)


def _secrets(env: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(
        {
            name.removeprefix(SECRET_PREFIX).lower(): value
            for name, value in env.items()
            if name.startswith(SECRET_PREFIX)
        }
    )
