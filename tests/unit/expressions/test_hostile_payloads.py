"""Attacks on expression languages: each must end in an error of ours or in a harmless value."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import ExpressionError, parse_condition, parse_template
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.limits import FUEL

TEXT = "ab" * 100_000
SCOPE: dict[str, Any] = {
    "params": {
        "s": "text",
        "d": {"a": 1},
        "l": [1, 2, 3],
        "big": TEXT,
        "spaces": " a" * 100_000,
        "many": list(range(50_000)),
        "rows": [{"id": n, "name": "n" * 100} for n in range(5_000)],
        "deep": {},
        "json": "[" * 50_000,
        "f": 1.5,
    },
    "steps": {"a": {"outputs": {"x": 1}}},
}

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ ''['__class__'] }}",
    "{{ ''['__cl' ~ 'ass__'] }}",
    "{{ params.__class__.__init__.__globals__ }}",
    "{{ params['__class__'] }}",
    "{{ params.d.__getitem__ }}",
    "{{ params.d.get }}",
    "{{ params.l.append }}",
    "{{ params.l.__len__ }}",
    "{{ params.f.as_integer_ratio }}",
    "{{ params.s.format }}",
    "{{ params.s.encode }}",
    "{{ steps.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.getcwd() }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ lipsum.__globals__ }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ request.application.__globals__.__builtins__.__import__('os') }}",
    "{{ config.items() }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ ''|attr('__class__') }}",
    "{{ ''|attr('__cl' ~ 'ass__')|attr('__mro__') }}",
    "{{ params|attr('format_map') }}",
    "{{ '{0.__class__}'.format(params) }}",
    "{{ '{0.__class__}'|format(params) }}",
    "{{ '{a.__class__}'.format_map(params) }}",
    "{{ ('%s' % params).__class__ }}",
    "{{ '%(a)s' % params.d }}",
    "{{ [1]|map('attr', '__class__')|list }}",
    "{{ params.rows|map(attribute='__class__')|first }}",
    "{{ params.rows|map('__class__.__mro__')|first }}",
    "{{ params.rows|selectattr('__class__')|list }}",
    "{{ params.rows|sort(attribute='__class__') }}",
    "{{ params.d|items|map('__class__')|list }}",
    "{{ dict.__base__ }}",
    "{{ range.__class__ }}",
    "{{ none.__class__ }}",
    "{{ true.__class__.__mro__ }}",
    "{{ (1).__class__ }}",
    "{{ x.__init__.__builtins__.eval('1') }}",
    "{{ ()|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{% import 'os' as os %}{{ os }}",
    "{% include '/etc/passwd' %}{{ 1 }}",
    "{% extends '/etc/passwd' %}{{ 1 }}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% call x() %}{% endcall %}{{ 1 }}",
    "{% with a = 1 %}{{ a }}{% endwith %}",
    "{% block b %}{{ self.b.__globals__ }}{% endblock %}",
    "{% filter upper %}{{ 1 }}{% endfilter %}",
    "{% autoescape true %}{{ 1 }}{% endautoescape %}",
    "{% set ns = namespace(x=1) %}{{ ns.x }}",
    "{% print(params) %}{{ 1 }}",
    "{% do params %}{{ 1 }}",
    "{% trans %}{{ 1 }}{% endtrans %}",
    "{{ super() }}",
    "{{ caller() }}",
    "{{ loop.__class__ }}",
    "{{ varargs }}{{ kwargs }}",
    "{{ params.s|safe }}{{ params.s|escape }}",
    "{{ params|pprint }}",
    "{{ params|xmlattr }}",
]

BOMBS = [
    "{{ ('a' * 900000000)|length }}",
    "{{ [0] * 900000000 }}",
    "{{ '%5000000000d' % 1 }}",
    "{{ 'a'|center(5000000000) }}",
    "{{ 'a'|ljust(5000000000) }}",
    "{{ 'a'|indent(5000000000) }}",
    "{{ 'a'|wordwrap(1) }}",
    "{{ 'a'|format('%5000000000d') }}",
    "{{ 'a'|truncate(5000000000) }}",
    "{{ [1]|tojson(indent=2000000000) }}",
    "{{ params.rows|tojson(8) }}",
    "{{ [1]|slice(100000000)|list }}",
    "{{ [1]|batch(100000000, 'x')|list }}",
    "{{ params.l[0:100000000:1] }}",
    "{{ range(99999999)|list }}",
    "{{ lipsum(n=100000) }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}",
    "{{ 2 ** 1000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 9223372036854775807 * 9223372036854775807 }}",
    "{{ 1" + "0" * 3000 + " }}",
    "{{ 0x" + "f" * 3000 + " }}",
    "{{ 1e999 }}",
    "{{ 1e308" + " * 1e308" * 90 + " }}",
    "{{ ('1' ~ '0' * 5000)|int }}",
    "{{ params.big|int }}{{ params.big|float }}",
    "{{ 1.5|round(1000000000) }}",
    "{{ 1|format_number(1000000000) }}",
    "{{ 1e308|format_number(15, params.big) }}",
    "{{ params.big|replace('a', params.big) }}",
    "{{ params.big|replace('', params.big) }}",
    "{{ 'a'" + "|replace('a', 'aaaaaaaaaa')" * 40 + " }}",
    "{{ [params.big, params.big, params.big]|join(params.big) }}",
    "{{ params.many|join(params.big) }}",
    "{{ params.big|list|join(params.big) }}",
    "{{ params.big|split('a')|join(params.big) }}",
    "{{ params.spaces|split|length }}",
    "{{ params.big" + " ~ params.big" * 90 + " }}",
    "{{ params.big" + " + params.big" * 90 + " }}",
    "{{ params.many" + " + params.many" * 90 + " }}",
    "{{ [" + ", ".join(["params.many"] * 100) + "]|flatten }}",
    "{{ [" + ", ".join(["params.many"] * 100) + "]|flatten(8)|unique|sort }}",
    "{{ " + " or ".join(["'zz' in params.big"] * 90) + " }}",
    "{{ " + " or ".join(["-1 in params.many"] * 90) + " }}",
    "{{ " + " and ".join(["params.rows == params.rows"] * 90) + " }}",
    "{{ params.rows|sort(attribute='name')|reverse|sort(attribute='name') }}",
    "{{ params.rows|unique('name')|length }}",
    "{{ params.many|select('in', params.many)|length }}",
    "{{ params.rows|selectattr('id', 'in', params.many)|length }}",
    "{{ params.d" + "|tojson" * 95 + " }}",
    "{{ params.s" + "|urlencode" * 95 + " }}",
    "{{ 'ä'" + "|urlencode" * 95 + " }}",
    "{{ params.s" + "|b64encode" * 95 + " }}",
    "{{ params.big|upper|lower|title|b64encode|sha256 }}",
    "{{ '" + "ŉ" * 3000 + "'|upper|upper|upper }}",
    "{{ params.json|fromjson }}",
    "{{ params|string }}{{ params|tojson }}",
    "x{{ params }}",
    "{{ {'a': params.many}|items|flatten(8)|string }}",
    "{{ params.d|combine(params.d)|dictsort|tojson(indent=8) }}",
    "{{ " + "(" * 60 + "1" + ")" * 60 + " }}",
    "{{ " + "[" * 2000 + "]" * 2000 + " }}",
    "{{ " + "{'a':" * 700 + "1" + "}" * 700 + " }}",
    "{{ " + "not " * 900 + "1 }}",
    "{{ " + "not " * 20_000 + "1 }}",
    "{{ " + "-" * 20_000 + "1 }}",
    "{{ " + "- " * 2000 + "1 }}",
    "{{ " + "+" * 4000 + "1 }}",
    "{{ a" + ".a" * 2000 + " }}",
    "{{ (a)|d" + ".a" * 2000 + " }}",
    "{{ a" + "[0]" * 1300 + " }}",
    "{{ a" + "[a" * 1000 + "]" * 1000 + " }}",
    "{{ a" + "|d" * 2000 + " }}",
    "{{ a" + " is d" * 800 + " }}",
    "{{ 1" + "+1" * 2000 + " }}",
    "{{ 1" + "<1" * 2000 + " }}",
    "{{ 1" + "~1" * 2000 + " }}",
    "{{ 1" + " and 1" * 600 + " }}",
    "{{ 1" + " if 1 else 1" * 330 + " }}",
    "{{ [" + "1," * 2000 + "] }}",
    "{{ x }}" * 580,
    "{{" * 2000,
    "{{ '" + "\\" * 2001 + "' }}",
    "{#" * 2000 + "{{ 1 }}",
    "{% raw %}" * 400 + "{{ 1 }}",
    "{{ '\\ud800' }}",
    "{{ '\\N{BELL' }}",
    "{{ \ud800 }}",
    "{{ 'a\x00b' }}",
    "{{ params.l[99999999999999999999] }}",
    "{{ params.l[9223372036854775807] }}",
    "{{ params.l[1e308] }}{{ params.l[true] }}{{ params.d[params.d] }}",
]

WORST_MEMORY = 24 * 1024 * 1024


def evaluated(text: str, fuel: Fuel) -> Any:
    """The harmless value of a payload, or None if it was refused."""
    try:
        return parse_template(text).render(SCOPE, fuel=fuel)
    except ExpressionError:
        return None


def is_json(value: Any) -> bool:
    """Whether it is plain JSON; a half surrogate pair is data which the JSON guard refuses."""
    try:
        json_guard.check(value)
    except json_guard.JsonRejected as rejected:
        return rejected.reason in {"lone_surrogate", "nul_character"}
    return True


@pytest.mark.parametrize("payload", ESCAPES)
def test_no_payload_reaches_a_python_object_because_attributes_do_not_exist(payload):
    value = evaluated(payload, Fuel())

    assert value in (None, "", "text", 0, [], [None]) or value == SCOPE["params"]["rows"]


@pytest.mark.parametrize("payload", BOMBS, ids=range(len(BOMBS)))
def test_no_payload_costs_more_than_its_fuel_because_work_is_paid_before_it_is_done(payload):
    fuel = Fuel()
    tracemalloc.start()

    value = evaluated(payload, fuel)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert is_json(value)
    assert fuel.left <= FUEL
    assert peak < WORST_MEMORY


@pytest.mark.parametrize("payload", [*ESCAPES, *BOMBS], ids=range(len(ESCAPES) + len(BOMBS)))
def test_a_condition_survives_every_payload_too(payload):
    bare = payload.replace("{{", "").replace("}}", "")
    for text in (payload, bare):
        try:
            verdict = parse_condition(text).evaluate(SCOPE)
        except ExpressionError:
            continue
        assert verdict in (True, False)


def test_the_corpus_is_not_smaller_than_the_one_of_the_design():
    assert len({*ESCAPES, *BOMBS}) >= 64


def test_the_most_expensive_expression_stops_because_its_fuel_is_spent():
    text = "{{ " + " or ".join(["'zz' in params.big"] * 90) + " }}"

    with pytest.raises(ExpressionError) as caught:
        parse_template(text).render(SCOPE, fuel=Fuel(FUEL // 2))

    assert caught.value.code == "expression_fuel"
