"""The embedded PostgreSQL and Valkey are the real ones, keep their promises, and harm nobody."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis as redis_client

from pipeline_engine.embedded import binaries, home
from pipeline_engine.embedded.errors import AlreadyRunning, EmbeddedServersMissing
from pipeline_engine.embedded.privileges import run_as, server_account
from pipeline_engine.embedded.servers import EmbeddedServers, passing_valkey

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def ask(url, statement, *values):
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0] if cursor.description else None


def test_the_database_sorts_and_stores_text_alike_on_every_system(servers):
    assert ask(servers.database_url, "SHOW server_encoding") == "UTF8"
    assert ask(servers.database_url, "SELECT 'B' < 'a'") is True
    assert ask(servers.database_url, "SELECT lower('ÄÖ')") == "äö"


def test_the_database_listens_on_loopback_only_and_wants_a_password(servers):
    without = servers.database_url.replace(password_of(servers.database_url), "wrong")

    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(without)

    assert ask(servers.database_url, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(servers.database_url, "SHOW unix_socket_directories") == ""


def test_redis_wants_a_password_and_refuses_rather_than_forgets(servers, redis):
    without = servers.redis_url.replace(password_of(servers.redis_url), "wrong")

    with pytest.raises(redis_client.AuthenticationError), closing(client_of(without)) as stranger:
        stranger.ping()

    assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_committed_rows_and_written_keys_survive_a_stop(server_directory):
    with EmbeddedServers.start(server_directory) as servers:
        ask(servers.database_url, "CREATE TABLE kept AS SELECT 1 AS n")
        with closing(client_of(servers.redis_url)) as client:
            client.set("kept", "yes")

    with EmbeddedServers.start(server_directory) as servers:
        assert ask(servers.database_url, "SELECT n FROM kept") == 1
        with closing(client_of(servers.redis_url)) as client:
            assert client.get("kept") == b"yes"
            assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_a_committed_row_survives_a_kill_because_the_log_is_flushed_first(server_directory):
    with EmbeddedServers.start(server_directory) as servers:
        ask(servers.database_url, "CREATE TABLE kept AS SELECT 1 AS n")

        servers.postgres.kill()
        servers.postgres.start()

        assert ask(servers.database_url, "SELECT n FROM kept") == 1
        assert ask(servers.database_url, "SHOW fsync") == "on"


def test_a_passing_valkey_answers_as_long_as_it_is_needed_and_leaves_nothing(server_directory):
    place = server_directory / "passing"

    with passing_valkey(place) as url:
        with pytest.raises(AlreadyRunning), passing_valkey(place):
            pytest.fail("a second one would take its folder away")
        with closing(client_of(url)) as client:
            assert client.ping()

    assert not place.exists()


def test_a_half_made_cluster_does_not_stop_the_next_start(server_directory):
    stump = home.Home.at(server_directory).servers / "postgres.new"
    stump.mkdir(parents=True)
    (stump / "PG_VERSION").write_text("18")

    with EmbeddedServers.start(server_directory, durable=False) as servers:
        assert ask(servers.database_url, "SELECT 1") == 1


def test_no_permission_outside_the_stack_is_changed(server_directory):
    watched = {*server_directory.parents, *Path(binaries.__file__).parents, Path.home()}
    before = {path: path.stat().st_mode for path in watched}

    with EmbeddedServers.start(server_directory, durable=False):
        pass

    assert {path: path.stat().st_mode for path in watched} == before


@only_root
def test_root_hands_the_servers_to_nobody_because_postgresql_refuses_root(servers):
    owners = {psutil.Process(s.pid).uids().real for s in (servers.postgres, servers.valkey)}

    assert owners == {server_account().uid}


@only_root
def test_root_keeps_the_data_elsewhere_if_nobody_may_not_enter(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with_system = closed.parent / "system"
    monkeypatch.setattr(home, "SYSTEM_DIRECTORY", with_system)

    elsewhere = home.Home.at(closed).servers

    assert with_system in elsewhere.parents
    assert closed.stat().st_mode & 0o777 == 0o700


@only_root
def test_root_copies_programs_that_nobody_may_not_enter(server_directory, monkeypatch):
    monkeypatch.setattr(binaries, "SYSTEM_DIRECTORY", server_directory / "system")
    monkeypatch.setattr(binaries, "is_open_to_all", lambda folder: False)

    for program in (
        binaries.postgres_binaries(server_account()) / "postgres",
        binaries.valkey_server(server_account()),
    ):
        answer = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
            **run_as(server_account()),
        )

        assert server_directory in program.parents
        assert "18." in answer.stdout or "v=9" in answer.stdout


def test_a_missing_wheel_is_explained_with_both_ways_out(monkeypatch):
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)

    with pytest.raises(EmbeddedServersMissing, match=r"\[embedded\].*DATABASE_URL"):
        binaries.postgres_binaries(None)


def test_a_test_can_take_a_server_away_and_bring_it_back(server_directory):
    with (
        EmbeddedServers.start(server_directory, durable=False) as servers,
        closing(client_of(servers.redis_url)) as client,
    ):
        servers.valkey.kill()
        with pytest.raises(redis_client.ConnectionError):
            client.ping()

        servers.valkey.start()

        assert client.ping()


def client_of(url):
    return redis_client.Redis.from_url(url, retry=None)


def password_of(url):
    return url.split("@")[0].rsplit(":", 1)[1]
