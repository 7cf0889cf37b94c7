"""Rights are words; a slip of the pen is found, and only ``admin`` stands for all."""

from __future__ import annotations

import pytest

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.scopes import ROLES, Scope, missing_among, unknown_among
from pipeline_engine.errors import InvalidSettings
from pipeline_engine.services.roles import rights_of, roles_of

NEEDED = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1/x",
    "REDIS_URL": "redis://127.0.0.1/0",
    "PIPELINE_SECRET_KEY": "a-secret-of-the-tests",
}


@pytest.mark.parametrize("word", ["model:write", "cluster:admin", *Scope])
def test_scopes_and_words_of_actions_are_rights(word: str) -> None:
    assert unknown_among([word]) == []


@pytest.mark.parametrize(
    "word", ["*", "", "admin:*", "executions:*", "pipelines:delete", "MODEL:write", "a b:c", "x"]
)
def test_anything_else_is_none(word: str) -> None:
    assert unknown_among([word]) == [word]


def test_only_admin_stands_for_other_words() -> None:
    assert missing_among({"owners:any"}, ["model:write"]) == ["model:write"]
    assert missing_among({Scope.ADMIN}, ["model:write", *Scope]) == []


def test_no_role_but_the_administrator_reaches_beyond_its_owners() -> None:
    for name, rights in ROLES.items():
        assert (Scope.ADMIN in rights) == (name == "administrator")
        assert Scope.OWNERS_ANY not in rights


def test_roles_of_the_settings_add_to_those_that_come_along_or_replace_them() -> None:
    given = '{"trainer": ["model:write", "executions:run"], "viewer": ["actions:read"]}'
    roles = roles_of(Settings.from_env({**NEEDED, "PIPELINE_ROLES": given}))

    assert rights_of(roles, ["trainer", "viewer"]) == {
        "model:write",
        "executions:run",
        "actions:read",
    }
    assert rights_of(roles, ["nobody-knows"]) == frozenset()
    assert roles["editor"] == ROLES["editor"]


def test_a_role_with_a_word_that_is_no_right_is_refused_by_name() -> None:
    settings = Settings.from_env({**NEEDED, "PIPELINE_ROLES": '{"ci": ["executions:start"]}'})

    with pytest.raises(InvalidSettings, match="'ci' has 'executions:start'"):
        roles_of(settings)


@pytest.mark.parametrize("given", ["[]", '{"ci": "executions:run"}', '{"ci": [1]}', "{"])
def test_roles_are_lists_of_words(given: str) -> None:
    with pytest.raises(InvalidSettings, match="PIPELINE_ROLES"):
        Settings.from_env({**NEEDED, "PIPELINE_ROLES": given})


def test_nobody_is_the_system_without_the_right_to_act_for_everybody() -> None:
    with pytest.raises(ValueError, match="a user or a service"):
        Caller(rights=frozenset({"executions:run"}))
    assert SYSTEM.sees_all
    assert not SYSTEM.acting_for("ada").sees_all
    assert Caller("ada").acting_for("bob").user_id == "ada"
