"""A pipeline is started by its name: that of the caller, else the system's, else an error."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.history_rows import a_pipeline

RELEASE = {"pipeline_name": "release"}


@pytest.fixture(autouse=True)
def _pipelines(session: Session) -> None:
    """One of alice and one of the system share a name; so do those of carol and dave."""
    for name, user in (("release", "alice"), ("shared", "carol"), ("shared", "dave")):
        a_pipeline(session, name=name, user_id=user)
    a_pipeline(session, name="release", system_owned=True)
    session.commit()


def started_pipeline(client: FlaskClient, **headers: str) -> str:
    answer = client.post("/api/v1/executions", json=RELEASE, headers=headers)
    assert answer.status_code == 201, answer.json
    assert answer.json["pipeline_name"] == answer.json["workflow_name"] == "release"
    assert answer.json["pipeline_id"] == answer.json["workflow_id"]
    owner: str = client.get(f"/pipelines/{answer.json['pipeline_id']}", headers=headers).json[
        "user_id"
    ]
    return owner


def test_a_name_means_ones_own_pipeline_before_that_of_the_system(
    alice: FlaskClient, bob: FlaskClient, service: FlaskClient
) -> None:
    assert started_pipeline(alice) == "alice"
    assert started_pipeline(bob) is None
    assert started_pipeline(service) is None
    assert started_pipeline(service, **{"X-User-ID": "alice"}) == "alice"


def test_a_name_that_means_several_is_an_error_that_lists_their_ids(service: FlaskClient) -> None:
    answer = service.post("/api/v1/executions", json={"pipeline_name": "shared"})

    listed = service.get("/api/v1/pipelines?name=shared").json
    assert (answer.status_code, answer.json["code"]) == (409, "ambiguous_pipeline_name")
    assert len(listed) == 2
    assert all(pipeline["id"] in answer.json["detail"] for pipeline in listed)


@pytest.mark.parametrize("name", ["nothing", "Release", "release ", "shared"])
def test_a_name_of_nothing_that_one_may_see_is_404(alice: FlaskClient, name: str) -> None:
    answer = alice.post("/api/v1/executions", json={"pipeline_name": name})

    assert (answer.status_code, answer.json["code"]) == (404, "pipeline_not_found")


def test_a_list_of_one_name_is_what_the_name_means(alice: FlaskClient, bob: FlaskClient) -> None:
    query = "/api/v1/pipelines?include_system=true&name=release"

    assert [one["user_id"] for one in alice.get(query).json] == ["alice"]
    assert [one["user_id"] for one in bob.get(query).json] == [None]


@pytest.mark.parametrize("other", ["pipeline_id", "workflow_id"])
def test_a_name_and_an_id_together_are_refused(alice: FlaskClient, other: str) -> None:
    answer = alice.post("/api/v1/executions", json=RELEASE | {other: "x"})

    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json["errors"]] == ["/pipeline_name"]
