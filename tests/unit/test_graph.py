"""The graph helpers that the clients of the reference service know, without its faults."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_engine.domain.graph import CyclicDependency, Graph

#   a   b
#  / \ /
# c   d   e
#  \ /
#   f
DIAMOND = Graph(
    [("a", []), ("b", []), ("c", ["a"]), ("d", ["a", "b"]), ("e", []), ("f", ["c", "d"])]
)


def test_roots_wait_for_nothing_and_nothing_waits_for_leaves():
    assert DIAMOND.roots == ("a", "b", "e")
    assert DIAMOND.leaves == ("e", "f")


def test_direct_neighbours_come_in_the_order_of_the_document():
    assert DIAMOND.dependencies("f") == ("c", "d")
    assert DIAMOND.dependents("a") == ("c", "d")


def test_ancestors_and_descendants_are_transitive():
    assert DIAMOND.ancestors("f") == {"a", "b", "c", "d"}
    assert DIAMOND.descendants("a") == {"c", "d", "f"}
    assert DIAMOND.is_ancestor("a", of="f")
    assert not DIAMOND.is_ancestor("f", of="a")
    assert not DIAMOND.is_ancestor("a", of="a")


def test_an_unknown_step_has_no_place_in_the_graph():
    assert DIAMOND.level("z") == -1
    assert DIAMOND.dependencies("z") == DIAMOND.dependents("z") == ()
    assert DIAMOND.ancestors("z") == DIAMOND.descendants("z") == frozenset()
    assert not DIAMOND.is_ancestor("z", of="a")
    assert not DIAMOND.can_run_parallel("a", "z")


def test_steps_run_in_parallel_if_neither_waits_for_the_other():
    assert DIAMOND.can_run_parallel("c", "d")
    assert DIAMOND.can_run_parallel("b", "c")
    assert not DIAMOND.can_run_parallel("a", "f")
    assert not DIAMOND.can_run_parallel("a", "a")


def test_a_step_is_ready_when_all_its_dependencies_are_done():
    assert DIAMOND.ready(()) == ("a", "b", "e")
    assert DIAMOND.ready({"a", "e"}) == ("b", "c")
    assert DIAMOND.ready({"a", "b", "c", "d", "e"}) == ("f",)
    assert DIAMOND.ready("abcdef") == ()


def test_a_level_is_the_longest_path_from_a_root():
    chain = Graph([("a", []), ("b", ["a"]), ("c", ["a", "b"])])

    assert [chain.level(step_id) for step_id in "abc"] == [0, 1, 2]


def test_a_layer_keeps_the_order_of_the_document_in_every_process():
    """[!] 1.6: the order inside a layer came from a hash set."""
    names = [f"s{n}" for n in range(50)]
    fan = Graph([("root", []), *((name, ["root"]) for name in names)])

    assert fan.layers == (("root",), tuple(names))
    assert DIAMOND.layers == (("a", "b", "e"), ("c", "d"), ("f",))


def test_every_step_comes_after_its_dependencies():
    assert DIAMOND.topological_order() == ("a", "b", "e", "c", "d", "f")


def test_a_dependency_that_is_named_twice_or_unknown_is_no_second_edge():
    graph = Graph([("a", []), ("b", ["a", "a", "z"])])

    assert graph.dependencies("b") == ("a",)
    assert graph.dependents("a") == ("b",)


def test_a_circle_is_found_from_wherever_it_hangs():
    graph = Graph([("x", ["b"]), ("a", ["c"]), ("b", ["a"]), ("c", ["b"]), ("y", ["x"])])

    assert graph.find_cycle() == ("a", "b", "c", "a")
    with pytest.raises(CyclicDependency, match="a -> b -> c -> a"):
        graph.topological_order()


def test_a_step_that_waits_for_itself_is_the_smallest_circle():
    assert Graph([("a", ["a"])]).find_cycle() == ("a", "a")


def test_an_empty_graph_has_no_layers():
    empty = Graph([])

    assert (empty.layers, empty.roots, empty.topological_order()) == ((), (), ())
    assert empty.find_cycle() is None


def test_a_long_chain_does_not_exhaust_the_stack():
    chain = Graph([(str(n), [str(n - 1)] if n else []) for n in range(20_000)])

    assert chain.level("19999") == 19_999
    assert len(chain.ancestors("19999")) == 19_999
    assert chain.find_cycle() is None


EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


@given(EDGES)
def test_a_graph_has_either_an_order_or_a_circle_of_real_edges(edges):
    wanted = [(str(n), [str(b) for a, b in edges if a == n]) for n in range(10)]
    graph = Graph(wanted)

    circle = graph.find_cycle()

    if circle is None:
        order = graph.topological_order()
        assert all(order.index(d) < order.index(s) for s, found in wanted for d in found)
        assert all(
            graph.is_ancestor(a, of=s) == (a in graph.ancestors(s)) for a in order for s in order
        )
    else:
        steps = pairwise(circle)
        assert circle[0] == circle[-1]
        assert all(first in graph.dependencies(second) for first, second in steps)
        assert len(set(circle)) == len(circle) - 1


# ── What can be run without asking anybody ───────────────────────────────────────────────


def behind(held: str, *, most: int = 99, widest: int = 99) -> dict[str, int]:
    return DIAMOND.behind(held, among="abcdef".__contains__, most=most, widest=widest)


def test_behind_a_step_come_its_dependents_with_the_dependencies_that_are_accounted_for():
    assert behind("a") == {"c": 1, "d": 1, "f": 2}
    assert behind("ab") == {"c": 1, "d": 2, "f": 2}
    assert behind("e") == {}


def test_no_more_steps_are_found_behind_than_were_wanted():
    assert behind("ab", most=2) == {"c": 1, "d": 2}
    assert behind("ab", widest=1) == {}


def test_nothing_is_found_behind_a_step_that_does_not_qualify():
    assert DIAMOND.behind("a", among="df".__contains__, most=99, widest=99) == {"d": 1, "f": 1}


def test_of_more_steps_than_may_be_next_none_is_asked_whether_it_qualifies():
    fan = Graph([("a", []), *((f"b{n}", ["a"]) for n in range(9))])
    asked: list[str] = []

    def qualifies(step_id: str) -> bool:
        asked.append(step_id)
        return True

    assert fan.behind("a", among=qualifies, most=99, widest=8) == {}
    assert asked == []
    assert len(fan.behind("a", among=qualifies, most=99, widest=9)) == 9
