"""Settings are read once, whole, and every problem is told at once."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from pipeline_engine.config import Settings, setting_names
from pipeline_engine.errors import InvalidSettings

LEAST = {
    "DATABASE_URL": "postgresql://me@localhost/db",
    "REDIS_URL": "redis://localhost:6379/0",
    "PIPELINE_SECRET_KEY": "sixteen letters!",
}


def read(**given: str) -> Settings:
    return Settings.from_env(LEAST | given)


def problems(**given: str) -> dict[str, list[str]]:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env(given)
    return refused.value.facts["problems"]


def test_servers_and_a_secret_are_all_that_has_to_be_said():
    settings = read()

    assert settings.retention_days == 30
    assert settings.parked_timeout_seconds == 1800
    assert settings.retry_max_attempts == 3
    assert settings.lease == timedelta(seconds=15)


def test_every_problem_is_told_at_once_because_a_restart_per_mistake_is_cruel():
    found = problems(
        DATABASE_URL="mysql://localhost/db",
        PIPELINE_LEASE_SECONDS="-1",
        PIPELINE_CLEANUP_SCHEDULE="whenever",
        PIPELINE_SERVICE_URLS="budapp=http://localhost",
    )

    assert sorted(found) == [
        "DATABASE_URL",
        "PIPELINE_CLEANUP_SCHEDULE",
        "PIPELINE_LEASE_SECONDS",
        "PIPELINE_SECRET_KEY",
        "PIPELINE_SERVICE_URLS",
        "REDIS_URL",
    ]


@pytest.mark.parametrize(
    "expression", ["0 0 3 * * *", "0 3 L * *", "0 3 * * MON", "@daily", "0 3 * *", "60 3 * * *"]
)
def test_a_clean_up_has_a_time_that_beat_understands_too(expression):
    assert list(problems(**LEAST, PIPELINE_CLEANUP_SCHEDULE=expression)) == [
        "PIPELINE_CLEANUP_SCHEDULE"
    ]
    assert read(PIPELINE_CLEANUP_SCHEDULE="*/15 1-5,20 * 1 7").cleanup_schedule


def test_limits_of_actions_are_numbers_by_name():
    assert read(PIPELINE_ACTION_LIMITS='{"http_request": 20, "tag:gpu": 0}').action_limits == {
        "http_request": 20,
        "tag:gpu": 0,
    }


@pytest.mark.parametrize("given", ["x", "[]", '{"log": -1}', '{"log": true}', '{"log": 10001}'])
def test_what_is_no_limit_of_an_action_is_refused(given):
    assert list(problems(**LEAST, PIPELINE_ACTION_LIMITS=given)) == ["PIPELINE_ACTION_LIMITS"]


def test_some_owners_have_quotas_of_their_own_and_the_system_is_one_without_a_name():
    quotas = '{"group:ops": {"open_executions": 50, "parked_steps": null}, "": {"stored_bytes": 0}}'
    settings = read(PIPELINE_QUOTAS=quotas, PIPELINE_MAX_PARKED_STEPS="7")

    assert settings.quota("open_executions", "group:ops") == 50
    assert settings.quota("open_executions", "ann") == 10_000
    assert [settings.quota("parked_steps", owner) for owner in ("group:ops", "ann")] == [None, 7]
    assert [settings.quota("stored_bytes", owner) for owner in (None, "ann")] == [0, None]
    assert settings.limits_parked_steps
    assert not read().limits_parked_steps


@pytest.mark.parametrize(
    "given", ["x", "[1]", '{"a": 1}', '{"a": {"steps": 1}}', '{"a": {"parked_steps": -1}}']
)
def test_what_is_no_quota_is_refused(given):
    assert list(problems(**LEAST, PIPELINE_QUOTAS=given)) == ["PIPELINE_QUOTAS"]


def test_rules_of_retention_are_read_in_their_order():
    rules = read(
        PIPELINE_RETENTION_RULES='[{"pipeline": "a", "days": null},'
        ' {"status": "failed", "days": 9, "keep_last": 2}]'
    ).retention_rules

    assert [(one.pipeline, one.status, one.days, one.keep_last) for one in rules] == [
        ("a", None, None, None),
        (None, ("FAILED",), 9, 2),
    ]


def test_every_rule_of_retention_that_makes_no_sense_is_named():
    given = '[{"days": 0}, {"pipelines": "a", "days": 1}, {"status": ["RUNNING"]}, {"days": 1}]'

    (found,) = problems(**LEAST, PIPELINE_RETENTION_RULES=given).values()

    assert found == [
        "rule 1: days is no whole number from 1 on, nor null.",
        "rule 2: nothing is called pipelines.",
        "rule 3: RUNNING is none of COMPLETED, FAILED, INTERRUPTED.",
        "rule 3: days is missing; null is for ever.",
    ]


def test_the_message_names_the_variables_and_no_secret():
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env({**LEAST, "PIPELINE_SECRET_KEY": "too short"})

    assert "PIPELINE_SECRET_KEY" in str(refused.value)
    assert "too short" not in str(refused.value)


def test_an_empty_variable_counts_as_unset_because_compose_files_write_them():
    assert read(PIPELINE_RETENTION_DAYS="").retention_days == 30


def test_words_and_maps_are_read():
    settings = read(
        PIPELINE_API_TOKEN="one, two",
        PIPELINE_SERVICE_URLS='{"budapp": "http://localhost:9081"}',
        PIPELINE_PEERS_WITH_IDEMPOTENCY="budapp, budsim",
        BUDMODEL_APP_ID="models",
    )

    assert settings.api_tokens == ("one", "two")
    assert settings.service_urls["budapp"] == "http://localhost:9081"
    assert settings.peers_with_idempotency == ("budapp", "budsim")
    assert (settings.app_ids["budmodel"], settings.app_ids["budapp"]) == ("models", "budapp")


def test_celery_apps_are_read_with_all_that_is_said_of_them():
    app = '{"broker": "redis://h/1", "result_backend": "db+postgresql://h", "queue": "q"}'
    settings = read(
        PIPELINE_CELERY_APPS=f'{{"reports": {app}}}',
        PIPELINE_CELERY_TASKS_ALLOWED="reports:reports.*, mail.send",
    )

    assert settings.celery_apps["reports"]["queue"] == "q"
    assert settings.celery_tasks_allowed == ("reports:reports.*", "mail.send")
    assert "redis://h/1" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("x", "Not valid JSON"),
        ("[]", "Not a JSON object"),
        ('{"a": {}}', "a: not texts among broker"),
        ('{"a": {"broker": "redis://h", "other": "x"}}', "a: not texts among broker"),
        ('{"a": {"broker": 1}}', "a: not texts among broker"),
        ('{"a": {"broker": "redis://h", "result_backend": "rpc://"}}', "only the sender sees"),
    ],
)
def test_what_is_no_celery_app_is_refused(given, words):
    with pytest.raises(InvalidSettings, match=words):
        read(PIPELINE_CELERY_APPS=given)


def test_nobody_can_change_settings_that_others_have_read():
    settings = read(PIPELINE_SERVICE_URLS='{"budapp": "http://localhost"}')

    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.retention_days = 1
    with pytest.raises(TypeError):
        settings.service_urls["budapp"] = "http://elsewhere"


def test_secrets_are_read_by_their_prefix_and_never_printed():
    settings = read(PIPELINE_SECRET__GIT_TOKEN="opensesame")

    assert settings.secrets == {"git_token": "opensesame"}
    assert "opensesame" not in repr(settings)


def test_every_setting_is_read_from_one_variable_of_its_own():
    names = setting_names()

    assert len(names) == len(set(names))
    assert {f.name for f in dataclasses.fields(Settings) if "variable" not in f.metadata} == {
        "secrets"  # all that begin with one prefix
    }


def test_unknown_variables_are_nobodys_business():
    assert read(PATH="/bin") == read()


def test_no_secret_stands_in_a_traceback_that_shows_the_settings():
    hidden = {
        "DATABASE_URL": "postgresql://me:hush-1@localhost/db",
        "REDIS_URL": "redis://:hush-2@localhost:6379/0",
        "PIPELINE_SECRET_KEY": "hush-3, sixteen letters",
        "PIPELINE_API_TOKEN": "hush-4",
        "PIPELINE_USER_TOKENS": '{"hush-5": "alice"}',
        "APP_API_TOKEN": "hush-6",
        "DAPR_API_TOKEN": "hush-7",
        "PIPELINE_NOTIFICATION_WEBHOOK_URL": "https://example.com/hush-8",
        "PIPELINE_SECRET__GIT_TOKEN": "hush-9",
    }

    assert "hush" not in repr(read(**hidden))


OIDC = {"PIPELINE_OIDC_ISSUER": "https://kc.test/realms/ops", "PIPELINE_OIDC_AUDIENCE": "api"}


def test_an_issuer_without_an_audience_is_refused_and_does_not_mean_any():
    found = problems(**LEAST, PIPELINE_OIDC_ISSUER="https://kc.test/realms/ops")

    assert list(found) == ["PIPELINE_OIDC_AUDIENCE"]
    assert list(problems(**LEAST, PIPELINE_OIDC_AUDIENCE="api")) == ["PIPELINE_OIDC_ISSUER"]


def test_what_an_issuer_lacks_is_told_with_the_other_problems():
    found = problems(DATABASE_URL="mysql://x", PIPELINE_OIDC_ISSUER="https://kc.test")

    assert "PIPELINE_OIDC_AUDIENCE" in found
    assert "DATABASE_URL" in found


@pytest.mark.parametrize("name", ["PIPELINE_OIDC_ISSUER", "PIPELINE_OIDC_JWKS_URL"])
@pytest.mark.parametrize(
    "url",
    ["http://kc.test", "http://127.0.0.1.evil.test", "ftp://kc.test", "kc.test", "https://", "x",
     "https://[::1", "https://a b", "http://evil.test#@127.0.0.1"],
)  # fmt: skip
def test_keys_come_from_where_nobody_on_the_way_can_change_them(name: str, url: str):
    assert list(problems(**LEAST | OIDC | {name: url})) == [name]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9083", "http://localhost/x", "http://[::1]:1"])
def test_an_issuer_on_this_machine_needs_no_certificate(url: str):
    assert read(**OIDC | {"PIPELINE_OIDC_ISSUER": url}).oidc_issuer == url


@pytest.mark.parametrize("words", ["HS256", "RS256,none", "RS256,HS512", ","])
def test_no_shared_secret_can_be_chosen_for_signatures(words: str):
    assert list(problems(**LEAST | OIDC, PIPELINE_OIDC_ALGORITHMS=words)) == [
        "PIPELINE_OIDC_ALGORITHMS"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIPELINE_OIDC_LEEWAY_SECONDS", "301"),
        ("PIPELINE_OIDC_KEYS_FRESH_SECONDS", "30"),
        ("PIPELINE_OIDC_MAX_LIFETIME_SECONDS", "0"),
        ("PIPELINE_OIDC_CA_FILE", "/nowhere/ca.pem"),
    ],
)
def test_limits_of_sign_in_are_checked(name: str, value: str):
    assert list(problems(**LEAST | OIDC | {name: value})) == [name]
