"""``pipeline-engine secrets``: values go in by standard input, and no line shows one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.local_service import LocalService, local_service

from pipeline_engine.cli import main

ROUTE = "/api/v1/secrets/git_token"
AT = "2026-01-31T10:00:00+00:00"
USERS = [{"id": "1", "name": "release"}, {"id": "2", "name": "tag"}]
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n"
STORED = {
    "name": "git_token",
    "owner": "ada",
    "description": "for tags",
    "version": 1,
    "updated_at": AT,
    "last_used_at": None,
    "used_by": USERS,
    "used_by_count": 2,
    "versions": [
        {"version": n, "created_at": AT, "created_by": "oidc:ada", "last_used_at": None}
        for n in (2, 1)
    ],
}


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as made:
        for route in (f"GET {ROUTE}", f"PUT {ROUTE}", f"DELETE {ROUTE}", f"POST {ROUTE}/restore"):
            made.answer(route, STORED)
        page = {"secrets": [STORED], "pagination": {"total_pages": 1}}
        made.answer("GET /api/v1/secrets", page)
        yield made


def invoke(service: LocalService, *arguments: str, typed: str | None = None) -> Result:
    environment = {"PIPELINE_API_TOKEN": "", "COLUMNS": "80"}
    line = ["secrets", *arguments, "--url", service.url]
    return CliRunner().invoke(main, line, env=environment, input=typed)


@pytest.mark.parametrize(
    ("typed", "value"),
    [("opensesame\n", "opensesame"), ("opensesame", "opensesame"), (PEM, PEM), ("a b\r\n", "a b")],
)
def test_a_value_is_read_from_standard_input_without_the_end_of_its_only_line(
    service: LocalService, typed: str, value: str
) -> None:
    result = invoke(service, "set", "git_token", typed=typed)

    assert (result.exit_code, result.output) == (0, "git_token is version 1\n")
    assert service.received[-1].body == {"value": value}


def test_a_value_on_the_command_line_is_refused_and_not_repeated(service: LocalService) -> None:
    result = invoke(service, "set", "git_token", "opensesame", "--description", "x")

    assert result.exit_code == 2
    assert "opensesame" not in result.output
    assert service.received == []


def test_a_description_is_changed_without_a_value(service: LocalService) -> None:
    invoke(service, "set", "git_token", "--keep-value", "--description", "for tags")

    assert service.received[-1].body == {"description": "for tags"}


def test_a_list_says_who_needs_each_secret(service: LocalService) -> None:
    result = invoke(service, "list")

    assert result.output.splitlines() == [
        "secret     version  changed                    used  pipelines",
        f"git_token  1        {AT}  -     release, tag",
    ]


def test_a_secret_is_shown_with_its_versions(service: LocalService) -> None:
    result = invoke(service, "show", "git_token")

    assert result.output.splitlines() == [
        "git_token  version 1",
        "for tags",
        "pipelines: release, tag",
        "",
        "version  set                        used  by",
        f"2        {AT}  -     oidc:ada",
        f"1 *      {AT}  -     oidc:ada",
    ]


def test_who_deletes_a_secret_is_told_before_and_after_who_needs_it(service: LocalService) -> None:
    asked = invoke(service, "delete", "git_token", typed="n\n")
    deleted = invoke(service, "delete", "git_token", "--yes")

    assert "Pipelines that need it: release, tag. [y/N]" in asked.output
    assert deleted.output.splitlines() == [
        "deleted",
        "These pipelines still speak of it: release, tag",
    ]
    assert [one.method for one in service.received] == ["GET", "DELETE"]


def test_a_version_is_restored_by_its_number(service: LocalService) -> None:
    result = invoke(service, "restore", "git_token", "1")

    assert result.output == "git_token is version 1\n"
    assert service.received[-1].body == {"version": 1}


def test_many_pipelines_are_counted_in_a_line(service: LocalService) -> None:
    many: dict[str, Any] = {"used_by": [*USERS, *USERS], "used_by_count": 120}
    page = {"secrets": [STORED | many], "pagination": {"total_pages": 1}}
    service.answer("GET /api/v1/secrets", page)

    assert "release, tag, release, and 117 more" in invoke(service, "list").output
