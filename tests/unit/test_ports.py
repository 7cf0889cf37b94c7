"""A stack keeps its ports, because others were told of them."""

from __future__ import annotations

import socket

import pytest

from pipeline_engine.embedded.errors import PortTaken
from pipeline_engine.embedded.ports import ANY, LOOPBACK, Ports, free_port, is_free


@pytest.fixture
def ports(tmp_path):
    said = []
    made = Ports(tmp_path / "ports.json", said.append)
    made.said = said
    return made


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_is_kept_from_run_to_run(ports, tmp_path):
    first = ports.of("the API")
    again = Ports(tmp_path / "ports.json", ports.said.append)

    assert again.of("the API", usual=free_port()) == first
    assert ports.said == []


def test_the_usual_port_is_taken_where_it_is_free(ports):
    usual = free_port()

    assert ports.of("the API", usual=usual) == usual


def test_a_usual_port_that_is_taken_is_named_and_replaced(ports, taken):
    port = ports.of("the API", usual=taken)

    assert is_free(port)
    assert ports.said == [
        f"port {taken} is taken by another program; the API is on {port} from now on"
    ]
    assert ports.of("the API", usual=taken) == port


def test_a_wish_is_kept_for_the_runs_that_name_none(ports, tmp_path):
    wish = free_port()

    ports.of("the API", wish=wish)

    assert Ports(tmp_path / "ports.json", ports.said.append).of("the API") == wish


def test_a_wish_that_cannot_be_granted_is_refused(ports, taken):
    with pytest.raises(PortTaken, match=f"Port {taken} is taken"):
        ports.of("the API", wish=taken)


def test_any_port_is_another_one_each_time_and_not_remembered(ports):
    usual = free_port()

    assert ports.of("the API", wish=ANY) != ports.of("the API", wish=ANY)
    assert ports.of("the API", usual=usual) == usual


def test_a_port_is_asked_for_where_the_server_is_to_listen(taken):
    assert not is_free(taken, "0.0.0.0")  # noqa: S104 (bound for a moment)
