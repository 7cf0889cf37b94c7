"""Whoever takes too long is hung up on, and nobody else."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.waiting import wait_until

from pipeline_engine.sdk.deadlines import MOST_LEFTOVERS, Call, Deadlines


@contextmanager
def within(deadlines: Deadlines, seconds: float, sock: socket.socket) -> Iterator[Call]:
    with deadlines.within(seconds) as call:
        call.watch(sock)
        yield call


def test_a_peer_that_says_nothing_is_hung_up_on():
    deadlines, (ours, theirs) = Deadlines(), socket.socketpair()

    with within(deadlines, 0.05, ours) as call:
        heard = ours.recv(1)

    assert (heard, call.has_expired) == (b"", True)
    theirs.close()
    ours.close()


def test_a_shorter_deadline_does_not_wait_behind_a_longer_one():
    deadlines, (slow, _slow), (quick, _quick) = (
        Deadlines(),
        socket.socketpair(),
        socket.socketpair(),
    )

    with within(deadlines, 60, slow) as patient, within(deadlines, 0.05, quick) as hasty:
        assert quick.recv(1) == b""

    assert (patient.has_expired, hasty.has_expired) == (False, True)
    for end in (slow, _slow, quick, _quick):
        end.close()


def test_an_exchange_that_has_ended_keeps_its_connection():
    deadlines, (ours, theirs) = Deadlines(), socket.socketpair()
    with within(deadlines, 0.01, ours) as ended:
        pass

    other, _other = socket.socketpair()
    with within(deadlines, 0.05, other) as later:
        wait_until(lambda: later.has_expired, what="a deadline after the first one")

    theirs.sendall(b"x")
    assert (ours.recv(1), ended.has_expired) == (b"x", False)
    for end in (ours, theirs, other, _other):
        end.close()


def test_all_deadlines_of_a_process_share_a_thread():
    deadlines = Deadlines()
    before = threading.active_count()

    for _ in range(20):
        pair = socket.socketpair()
        with within(deadlines, 60, pair[0]):
            pass
        pair[0].close()
        pair[1].close()

    assert threading.active_count() == before + 1


def test_a_forked_process_watches_its_own_deadlines():
    deadlines, pair = Deadlines(), socket.socketpair()
    with within(deadlines, 60, pair[0]):
        pass
    child = os.fork()
    if child == 0:  # no test runner may see what happens here
        with within(deadlines, 0.05, pair[0]):
            os._exit(0 if pair[0].recv(1) == b"" else 1)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    pair[0].close()
    pair[1].close()


def test_a_call_within_a_call_ends_with_it():
    deadlines, (ours, theirs) = Deadlines(), socket.socketpair()

    with deadlines.within(0.05), within(deadlines, 60, ours) as inner:
        assert ours.recv(1) == b""
        wait_until(lambda: inner.has_expired, what="the end of the inner call")

    theirs.close()
    ours.close()


def test_a_socket_of_an_inner_call_is_still_watched_by_the_outer_one():
    deadlines, (ours, theirs) = Deadlines(), socket.socketpair()

    with deadlines.within(0.2):
        with within(deadlines, 60, ours):
            pass
        assert ours.recv(1) == b""

    theirs.close()
    ours.close()


def test_a_socket_that_comes_too_late_is_hung_up_on_at_once():
    deadlines, (ours, theirs) = Deadlines(), socket.socketpair()

    with deadlines.within(0.01) as call:
        wait_until(lambda: call.has_expired, what="the deadline")
        call.watch(ours)
        assert ours.recv(1) == b""

    theirs.close()
    ours.close()


def test_what_is_over_is_forgotten_long_before_its_deadline():
    deadlines = Deadlines()

    for _ in range(3 * MOST_LEFTOVERS):
        with deadlines.within(86_400):
            pass

    assert len(deadlines._due) <= MOST_LEFTOVERS + 1


def test_a_call_leaves_no_handle_open():
    deadlines, (ours, theirs) = Deadlines(), socket.socketpair()
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(20):
        with within(deadlines, 60, ours):
            pass

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    ours.close()
    theirs.close()
