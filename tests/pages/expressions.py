"""docs/reference/expressions.md: the expression language, with results that the code computes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_engine.domain.expressions import (
    ExpressionError,
    Fuel,
    KnownSecrets,
    Ledger,
    Vault,
    compile_value,
    limits,
    parse_condition,
)
from pipeline_engine.domain.expressions.filters import FILTERS
from pipeline_engine.domain.expressions.predicates import PREDICATES
from pipeline_engine.domain.expressions.secrecy import FUNCTIONS, revealed
from pipeline_engine.domain.expressions.signatures import Signature
from pipeline_engine.domain.expressions.undefined import UNDEFINED

from . import markdown

#: What the examples are computed with.
PARAMS: dict[str, Any] = {
    "name": "Ada Lovelace",
    "count": 3,
    "price": 1234.567,
    "tags": ["eu", "us", "eu"],
    "models": [
        {"id": "m1", "size": 7, "ready": True},
        {"id": "m2", "size": 70, "ready": False},
    ],
    "limits": {"gpus": 2, "hours": 8},
}
STEPS = {
    "fetch": {"outputs": {"status_code": 200}, "status": "COMPLETED", "error": None},
    "call-back": {"outputs": {"ok": True}, "status": "COMPLETED", "error": None},
}
NOW = "2026-01-31T10:00:00+00:00"
EXECUTION = {"id": "01a20112-1927-73f9-8c8f-4c825b5093f9", "name": "release"}

INTRODUCTION = """\
# Expressions

Templates and conditions are written in the expressions of Jinja, and in nothing else of it.
There are no statements, no calls and no attributes of Python objects; every evaluation is bounded in time and room.
So a definition may come from anybody.

`{{ params.count + 1 }}` stands in a text. A text that is one such template and nothing else yields the value itself: a number stays a number, a list a list. With text around it the result is a text.
A condition needs no braces: `params.count > 2` and `{{ params.count > 2 }}` are the same.
`{% raw %}{{ kept }}{% endraw %}` keeps the braces.

What is not there is *undefined*: it renders empty, is false, and one can look into it. Write `| default(...)` where that would hide a mistake.
Keys of objects are never templates.

This page is made by the code: `make pages` writes it anew, with every result computed.
The examples see these params:

"""

OPERATORS: tuple[tuple[str, str], ...] = (
    ("params.name", "a parameter"),
    ("params.models[0].id", "an item by its place, a member by its key"),
    ("params.tags[-1]", "counted from the end"),
    ("params.tags[:2]", "a part of a list or text; without a step"),
    ('steps["call-back"].outputs.ok', "an id with a hyphen needs brackets"),
    ("params.nothing.at.all", "undefined: alone it is an empty text"),
    ("params.count * 2 + 1", "`+ - * / // %` on numbers"),
    ("7 / 2", "always a fraction"),
    ("7 // 2", "rounded down to a whole number"),
    ("params.tags + ['ap']", "`+` joins two texts or two lists"),
    ("'n=' ~ params.count", "`~` joins anything as text"),
    ("params.count == 3.0", "`== != < <= > >=`; order is between numbers, or between texts"),
    ("'eu' in params.tags", "`in`, `not in`: an item, a part of a text, a key"),
    ("params.count > 2 and not params.tags", "`and`, `or`, `not`"),
    ("params.name or 'nobody'", "`or` yields the first value that is true"),
    ("'many' if params.count > 2 else 'few'", "a choice; without `else` it may be undefined"),
    ("[params.count, {'a': 1}]", "lists and objects can be written"),
    ("params.tags is defined", "a test, after `is` or `is not`"),
    ("params.tags | unique | join(', ')", "a filter, after a bar; they can follow each other"),
)

CONDITIONS = (
    "",
    "true",
    "no",
    "params.count > 2",
    "{{ params.count > 2 }}",
    "params.nothing",
    "params.tags | length",
    "{{ 'no' }}",
    "{{ '0' }}",
    "{{ '[]' }}",
)

FILTER_EXAMPLES: Mapping[str, str] = {
    "abs": "-3 | abs",
    "add_days": "now | add_days(-31)",
    "add_hours": "now | add_hours(36)",
    "add_minutes": "now | add_minutes(90)",
    "add_seconds": "'2026-01-31' | add_seconds(0.5)",
    "b64decode": "'QWRh' | b64decode",
    "b64encode": "'user:pass' | b64encode",
    "batch": "params.tags | batch(2)",
    "bool": "'off' | bool",
    "capitalize": "'ada LOVELACE' | capitalize",
    "combine": "params.limits | combine({'gpus': 4})",
    "contains": "params.name | contains('Love')",
    "count": "params.tags | count",
    "d": "params.nothing | d('none')",
    "default": "params.nothing | default('none')",
    "dict": "params.models | dict('id', 'size')",
    "dictsort": "{'b': 1, 'a': 2} | dictsort",
    "endswith": "params.name | endswith('lace')",
    "first": "params.tags | first",
    "flatten": "[[1, 2], [3, [4]]] | flatten",
    "float": "'2.5' | float",
    "format_date": "now | format_date('%d.%m.%Y %H:%M', '+02:00')",
    "format_number": "params.price | format_number(1)",
    "fromjson": "'{\"a\": [1]}' | fromjson",
    "groupby": "params.models | groupby('ready') | map('0')",
    "int": "'42 ' | int",
    "items": "params.limits | items",
    "join": "params.tags | join(' + ')",
    "keys": "params.limits | keys",
    "last": "params.tags | last",
    "length": "params.name | length",
    "list": "'abc' | list",
    "lower": "params.name | lower",
    "map": "params.models | map('id')",
    "map_values": "params.models | dict('id') | map_values('size')",
    "max": "params.models | max('size')",
    "min": "[3, 1, 2] | min",
    "product": "params.tags | unique | product([1, 2])",
    "range": "params.count | range",
    "regex_match": "params.name | regex_match('[A-Z][a-z]+ .*')",
    "regex_replace": "params.name | regex_replace('([a-z]+) ', '-')",
    "regex_search": "'build 42 of 50' | regex_search('[0-9]+')",
    "reject": "[1, 2, 3] | reject('odd')",
    "rejectattr": "params.models | rejectattr('ready') | map('id')",
    "replace": "params.name | replace('a', 'o')",
    "reverse": "params.tags | reverse",
    "round": "params.price | round(1)",
    "seconds_since": "now | seconds_since('2026-01-31T09:00:00+01:00')",
    "select": "[1, 2, 3] | select('gt', 1)",
    "selectattr": "params.models | selectattr('size', 'lt', 10) | map('id')",
    "sha256": "('a' | sha256)[:8]",
    "sort": "params.models | sort(reverse=true, attribute='size') | map('id')",
    "split": "'a, b' | split(', ')",
    "startswith": "params.name | startswith('Ada')",
    "string": "params.count | string",
    "sum": "params.models | sum('size')",
    "title": "'ada lovelace' | title",
    "to_datetime": "'2026-01-31T12:00:00+02:00' | to_datetime",
    "to_timestamp": "now | to_timestamp",
    "tojson": "params.limits | tojson",
    "trim": "'  007 ' | trim",
    "truncate": "params.name | truncate(7)",
    "unique": "params.tags | unique",
    "upper": "params.name | upper",
    "urlencode": "{'q': 'a b'} | urlencode",
    "values": "params.limits | values",
    "zip": "params.models | map('id') | zip(params.tags)",
}

TEST_EXAMPLES: Mapping[str, str] = {
    "boolean": "true is boolean",
    "contains": "params.tags is contains('eu')",
    "defined": "params.nothing is defined",
    "divisibleby": "6 is divisibleby(3)",
    "endswith": "params.name is endswith('lace')",
    "eq": "params.count is eq(3)",
    "equalto": "params.count is equalto(3)",
    "even": "params.count is even",
    "false": "0 is false",
    "float": "params.price is float",
    "ge": "params.count is ge(3)",
    "greaterthan": "params.count is greaterthan(3)",
    "gt": "params.count is gt(3)",
    "in": "'eu' is in(params.tags)",
    "integer": "params.count is integer",
    "iterable": "params.count is iterable",
    "le": "params.count is le(3)",
    "lessthan": "params.count is lessthan(3)",
    "lower": "params.name is lower",
    "lt": "params.count is lt(3)",
    "mapping": "params.limits is mapping",
    "ne": "params.count is ne(3)",
    "none": "params.nothing is none",
    "number": "true is number",
    "odd": "params.count is odd",
    "regex_match": "params.name is regex_match('Ada')",
    "regex_search": "params.name is regex_search('^Ada')",
    "sameas": "params.count is sameas(3)",
    "sequence": "params.tags is sequence",
    "startswith": "params.name is startswith('Ada')",
    "string": "params.count is string",
    "true": "1 is true",
    "undefined": "params.nothing is undefined",
    "upper": "'EU' is upper",
}

SECRET_EXAMPLES = (
    "secrets.token",
    "'Bearer ' ~ secrets.token",
    "('user:' ~ secrets.token) | b64encode",
    "secrets.token is defined",
    "secrets.token | default('x')",
    "secrets.token | length",
    "secrets.token == 'x'",
    "secrets.token[:3]",
    "secrets.nobody",
)

NAMES = """\
## Names

Which names there are depends on the place, see [What templates may refer to](definition.md#what-templates-may-refer-to). The usual ones:

| Name | What it holds |
|---|---|
| `params` | params of the execution, by name; only declared ones can be referred to |
| `steps.<id>.outputs` | what a step before this one has left; empty until it has ended |
| `steps.<id>.status` | its status, such as `COMPLETED` |
| `steps.<id>.error` | `code` and `message` of its failure, or null |
| `execution` | `id`, `name`, `pipeline_id`, `initiator`, `user_id`, `created_at`; for handlers and compensations also `status` and `error` |
| `secrets` | secrets of the installation, by name; opaque |
| `now` | the moment of evaluation, see [dates](#dates) |
| `item`, `item_index`, `item_key` | of a fan-out: the item, its place from 0, its name |
| `result`, `iteration` | of `while`: what the round before has left, and the number of the round |
| `step` | in `notify`: what has just happened to the step |
| `event` | of `wait_for_event`: the event that has come |
"""


def page() -> str:
    """The whole page."""
    parts = [
        f"{INTRODUCTION}```json\n{json.dumps(PARAMS, indent=2)}\n```\n",
        NAMES,
        f"## Operators\n\n{markdown.table('Expression|Result|Note', _operators())}\n",
        _conditions(),
        f"## Filters\n\n{FILTERS_SAY}\n\n{_functions(FILTERS, FILTER_EXAMPLES)}\n",
        _patterns(),
        _dates(),
        f"## Tests\n\n{TESTS_SAY}\n\n{_functions(PREDICATES, TEST_EXAMPLES)}\n",
        _secrets(),
        _prices(),
    ]
    return "\n".join(parts)


FILTERS_SAY = (
    "A filter makes a new value and changes nothing. Its arguments can be given by place or by name."
    " Those in brackets may be left out. Null and undefined count as an empty text, list or object."
)
TESTS_SAY = (
    "A test is true or false. `select` and `reject` take one by its name, and also as a symbol:"
    " `==`, `!=`, `<`, `<=`, `>`, `>=`."
)


def _operators() -> Iterator[tuple[str, ...]]:
    for expression, note in OPERATORS:
        yield markdown.cell(f"`{expression}`"), _shown(expression), markdown.cell(note)


def _conditions() -> str:
    rows = [
        (markdown.cell(f"`{text}`") if text else "nothing", f"`{str(_holds(text)).lower()}`")
        for text in CONDITIONS
    ]
    return (
        "## Conditions\n\nA condition holds if its value is true: not 0, not empty, not null, not"
        " undefined. `true`, `yes`, `1`, `false`, `no` and `0` alone are what they say. A value"
        " that is a text is read: `false`, `none`, a zero and an empty list or object in it are"
        " false, any other text is true.\n\n"
        f"{markdown.table('Condition|Holds', rows)}\n"
    )


def _holds(text: str) -> bool:
    return parse_condition(text).evaluate(_scope(), Fuel())


def _functions(functions: Mapping[str, Signature], examples: Mapping[str, str]) -> str:
    rows = [
        (
            markdown.cell(f"`{_call(functions[name])}`"),
            markdown.line(functions[name].function.__doc__),
            markdown.cell(f"`{examples[name]}`"),
            _shown(examples[name]),
        )
        for name in sorted(filter(str.isidentifier, functions))
    ]
    return markdown.table("Name|Gives|Example|Result", rows)


def _call(signature: Signature) -> str:
    """A function with its arguments; those in brackets may be left out."""
    arguments = ", ".join(map(_argument, signature.parameters))
    return f"{signature.name}({arguments})" if arguments else signature.name


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.default is parameter.empty:
        return parameter.name
    if parameter.default in (None, UNDEFINED):
        return f"[{parameter.name}]"
    return f"[{parameter.name}={_written(parameter.default)}]"


PATTERNS = """\
## Regular expressions

`regex_match`, `regex_search` and `regex_replace` take expressions of [RE2](https://github.com/google/re2/wiki/Syntax), and so do `pattern` of a parameter and of the params of actions. RE2 walks through a text once, so no expression can keep a worker busy ([why](../adr/0041-patterns-of-users-run-in-re2.md)). It has no look-around and no references back (`\\1` in an expression); `\\d`, `\\w` and `\\s` are ASCII, `\\p{L}` is any letter.

`regex_match` asks about the whole text, `regex_search` about a part of it. In a replacement `\\0` is all that was found, `\\1` to `\\9` and `\\g<name>` are groups, two backslashes are one.

JSON reads backslashes, and so do texts inside of templates: what RE2 is to see as `\\d` is written `\\\\\\\\d` in the template of a JSON file. An expression without backslashes (`[0-9]`), or in a parameter, is easier to read.
"""


def _patterns() -> str:
    rows = [(markdown.cell(f"`{one}`"), _shown(one)) for one in PATTERN_EXAMPLES]
    return f"{PATTERNS}\n{markdown.table('Expression|Result', rows)}\n"


PATTERN_EXAMPLES = (
    "params.tags | select('regex_match', 'e.') | unique",
    "'v1.20' | regex_search('v(?P<major>[0-9]+)', 'major')",
    r"params.name | regex_replace('(\\w+) (\\w+)', '\\2, \\1')",
)

DATES = """\
## Dates

JSON has no dates, so a moment is a text: ISO 8601 in UTC, such as `2026-01-31T10:00:00+00:00`. Those that `to_datetime`, `add_...` and `now` give can be compared and sorted as they are. What they read: a date, a date with a time, both with any offset (none is UTC), or a number of seconds since 1970.

`now` is one value for all that is evaluated at one occasion: for condition, params and items of an attempt. The next attempt has another, and so has what a waiting step evaluates later (a round of `while`, an event). In the examples it is `2026-01-31T10:00:00+00:00`. Do not name things after it that have to be found again: `execution.created_at` never changes.

`format_date` has the directives of `strftime` that mean the same everywhere (`%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%F` …), in English. An offset is such as `+02:00`; names of time zones are not known.
"""


def _dates() -> str:
    rows = [(markdown.cell(f"`{one}`"), _shown(one)) for one in DATE_EXAMPLES]
    return f"{DATES}\n{markdown.table('Expression|Result', rows)}\n"


DATE_EXAMPLES = (
    "now | add_days(1) | format_date('%A')",
    "('2026-01-31' | to_datetime) <= now",
    "now | seconds_since('2026-01-30') > 24 * 3600",
    "'2026-03-29T01:30:00Z' | format_date('%H:%M', '+02:00')",
)


def _secrets() -> str:
    rows = [(markdown.cell(f"`{one}`"), _outcome_of_secret(one)) for one in SECRET_EXAMPLES]
    names = sorted(n for n, f in FILTERS.items() if f.function in FUNCTIONS)
    tests = sorted(n for n, f in PREDICATES.items() if f.function in FUNCTIONS)
    return (
        "## Secrets\n\nA secret can be passed on whole, joined to texts and encoded; what is made"
        " of it is a secret again. Everything that would show a part of it fails with"
        f" `secret_misused`. Filters that take one: {_listed(names)}. Tests: {_listed(tests)}."
        " [More](definition.md#secrets).\n\n"
        f"{markdown.table('Expression|What an action is given', rows)}\n"
    )


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _outcome_of_secret(expression: str) -> str:
    try:
        value = _value(expression)
    except ExpressionError as error:
        return f"fails with `{error.code}`"
    return f"`{_written(revealed(value))}`"


def _prices() -> str:
    per = limits.CHARACTERS_PER_UNIT
    return f"""\
## What expressions may cost

An attempt of a step has one budget. Its condition, its params and all that its action evaluates (every item of `filter`, `for_each` and `while`, every rule, every branch) pay from it, before the work is done. The outputs of the pipeline, and the reading of one event, have a budget each.

| What | Price in units |
|---|---|
| a name, an operator, a value that is made | 1 |
| an item that is copied | 1/{limits.ITEMS_PER_UNIT} |
| an item that is looked into, tested or compared | 1 or more |
| {per} characters that are read or made | 1 |
| comparing two texts | as much as reading the shorter one |
| a text that a regular expression walks through | its bytes times the instructions of the expression / {limits.STATES_PER_UNIT} |
| a regular expression that an attempt meets for the first time | {limits.UNITS_PER_PATTERN_CHARACTER} for each of its characters |
| sorting n items | n, and n times log n / {limits.ITEMS_PER_UNIT} |
| a value that holds others, made into JSON, text or a comparison | all that is inside |

| Limit | Value | Code beyond it |
|---|---|---|
| units of an attempt | {limits.FUEL:,} | `expression_fuel` |
| real time of a cheap step | `PIPELINE_CHEAP_STEP_SECONDS` | `expression_time` |
| all rendered values together | {limits.ROOM // 1024**2} MiB | `rendered_too_large` |
| characters of one text | {limits.MAX_TEXT_CHARACTERS:,} | `value_too_large` |
| characters of a template | {limits.MAX_TEMPLATE_CHARACTERS:,} | `expression_too_long` |
| parts of a template | {limits.MAX_NODES} | `expression_too_long` |
| characters of a regular expression | {limits.MAX_PATTERN_CHARACTERS:,} | `invalid_pattern` |
| brackets inside one another | {limits.MAX_BRACKET_DEPTH} | `expression_too_deep` |
| integers | 64 bits | `number_out_of_range` |

A unit is one or two microseconds of work at most. A value that is passed on a thousand times counts a thousand times in what is rendered. None of these failures is tried again.
"""


# ── Computing ────────────────────────────────────────────────────────────────────────────


def _scope() -> dict[str, Any]:
    secrets = Vault(KnownSecrets({"token": "s3cr3t"}), Ledger())
    return {
        "params": PARAMS,
        "steps": STEPS,
        "execution": EXECUTION,
        "secrets": secrets,
        "now": NOW,
    }


def _value(expression: str) -> Any:
    return compile_value(f"{{{{ {expression} }}}}").render(_scope(), Fuel())


def _shown(expression: str) -> str:
    return markdown.cell(f"`{_written(revealed(_value(expression)))}`")


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
