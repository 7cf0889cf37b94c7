"""Secrets in expressions are opaque: they are passed on whole, and nobody looks inside."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pipeline_engine.domain.checks.misuse import refuse_misuse
from pipeline_engine.domain.expressions import (
    FILTER_NAMES,
    TEST_NAMES,
    compile_value,
    parse_condition,
    parse_template,
)
from pipeline_engine.domain.expressions.errors import ExpressionError, SecretMisused
from pipeline_engine.domain.expressions.secrecy import (
    KnownSecrets,
    Ledger,
    Secret,
    Vault,
    covered,
    ledger_of,
)
from pipeline_engine.domain.masking import masker_of

SECRET = "neither-shown-nor-told"


def scope_of(secret: str = SECRET) -> dict[str, Any]:
    ledger = Ledger(masker_of([secret]))
    params = {"token": secret, "n": 1, "text": "text", "list": [secret], "map": {"k": secret}}
    return {
        "params": covered(params, ledger),
        "secrets": Vault(KnownSecrets({"x": secret, "empty": ""}), ledger),
        "steps": {},
    }


WHOLE = {
    "{{ secrets.x }}": SECRET,
    "{{ params.token }}": SECRET,
    "Bearer {{ secrets.x }}": f"Bearer {SECRET}",
    "{{ 'Bearer ' ~ secrets.x }}": f"Bearer {SECRET}",
    "{{ 'Bearer ' + secrets.x }}": f"Bearer {SECRET}",
    "{{ ['a', secrets.x] | join(':') }}": f"a:{SECRET}",
    "{{ secrets['x'] }}": SECRET,
    "{{ secrets[params.name or 'x'] }}": SECRET,
    "{{ params.missing | default(secrets.x) }}": SECRET,
    "{{ params.token | default('none') }}": SECRET,
    "{{ secrets.x if params.n == 1 else 'none' }}": SECRET,
    "{{ secrets.x or 'none' }}": SECRET,
    "{{ secrets.x is defined and secrets.x is string }}": True,
    "{{ secrets.empty or 'none' }}": "none",
    "{{ [secrets.x, 1] }}": [SECRET, 1],
    "{{ {'k': [secrets.x]} }}": {"k": [SECRET]},
    "{{ params.map }}": {"k": SECRET},
    "{{ params.list | first }}": SECRET,
    "{{ params.list | length }}": 1,
    "{{ ('user:' ~ secrets.x) | b64encode }}": base64.b64encode(f"user:{SECRET}".encode()).decode(),
    "{{ secrets.x | urlencode }}": SECRET,
    "{{ {'q': secrets.x} | urlencode }}": f"q={SECRET}",
    "{{ {'q': secrets.x} | tojson }}": f'{{"q": "{SECRET}"}}',
}


@pytest.mark.parametrize("template", WHOLE)
def test_a_secret_can_be_passed_on_whole(template: str) -> None:
    scope = scope_of()

    value = compile_value({"header": template}).render(scope)["header"]

    assert value == WHOLE[template]


OPERANDS = ("secrets.x", "params.token", "('Bearer ' ~ secrets.x)", "(secrets.x | b64encode)")
SEEN_AT_SAVE = [
    "{} [:10]",
    "{} [0]",
    "{}.a",
    "{} == 'a'",
    "{} != 'a'",
    "{} < 'a'",
    "'a' in {}",
    "{} in ['a']",
    "{} in params.text",
    "{} * 2",
    "-{}",
    "params.list[{}]",
    "params.text[:{}]",
    "{{{}: 1}}",
    "{} | reverse",
    "{} | upper",
    "{} | length",
    "{} | list | join('-')",
    "{} | join('-')",
    "{} | sort",
    "{} | first",
    "{} | replace('a', 'b')",
    "params.text | replace({}, 'b')",
    "{} | sha256",
    "{} | int",
    "{} | fromjson",
    "{} | b64decode",
    "{} | truncate(3, '')",
    "{} is upper",
    "{} is startswith('a')",
    "'a' is in({})",
]


@pytest.mark.parametrize("operand", OPERANDS)
@pytest.mark.parametrize("expression", SEEN_AT_SAVE)
def test_nobody_looks_into_a_secret(expression: str, operand: str) -> None:
    text = f"{{{{ {expression.format(operand)} }}}}"

    with pytest.raises(ExpressionError) as refused:
        compile_value([text]).render(scope_of())
    with pytest.raises(SecretMisused):
        refuse_misuse(parse_template(text), {"token"})

    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "expression",
    [
        "secrets",
        "secrets | keys",
        "secrets | items",
        "secrets | length",
        "secrets | tojson",
        "secrets | list",
        "secrets == secrets",
        "params.list | string | upper",
        "params.list | unique",
        "params.list | sort",
        "params.list | select('eq', 'a')",
        "params.list | select('startswith', 'a')",
        "params.list == ['a']",
        "'a' in params.list",
        "params.map | string == 'a'",
        "params.list | join | upper",
        "params.list[0][0]",
        "params.map.k[:3]",
        "params ~ ''",
        "1 + secrets.x",
        "secrets.x + [1]",
    ],
)
def test_a_secret_in_a_list_or_object_is_as_opaque(expression: str) -> None:
    with pytest.raises(SecretMisused):
        parse_template(f"{{{{ {expression} }}}}").render(scope_of())


HARMLESS_FILTERS = {"d", "default", "b64encode", "urlencode", "tojson", "string"}
HARMLESS_TESTS = {"defined", "undefined", "none", "string"}


@pytest.mark.parametrize("name", sorted(FILTER_NAMES - HARMLESS_FILTERS))
def test_every_other_filter_refuses_a_secret(name: str) -> None:
    for arguments in ("", "(1)", "('a', 'b')"):
        try:
            template = parse_template(f"{{{{ secrets.x | {name}{arguments} }}}}")
        except ExpressionError:
            continue
        with pytest.raises(SecretMisused):
            template.render(scope_of())


@pytest.mark.parametrize("name", sorted(n for n in TEST_NAMES - HARMLESS_TESTS if n.isalpha()))
def test_every_other_test_refuses_a_secret(name: str) -> None:
    for arguments in ("", "('a')"):
        try:
            template = parse_template(f"{{{{ secrets.x is {name}{arguments} }}}}")
        except ExpressionError:
            continue
        with pytest.raises(SecretMisused):
            template.render(scope_of())


@pytest.mark.parametrize("secret", ["false", "0", "none", "no", "true"])
def test_a_condition_on_a_secret_asks_only_whether_there_is_one(secret: str) -> None:
    assert parse_condition("secrets.x").evaluate(scope_of(secret))
    assert not parse_condition("secrets.empty").evaluate(scope_of(secret))


def test_what_hides_a_secret_from_the_eye_is_masked_too() -> None:
    scope = scope_of()
    template = "{{ secrets.x | b64encode | b64encode }}"

    made = parse_template(template).render(scope)

    ledger = ledger_of(scope)
    assert ledger is not None
    assert not masker_of([SECRET]).finds(made)
    assert not ledger.masker.finds(ledger.masker.mask(f"sent {made}"))
    assert made not in ledger.masker.mask(f"sent {made}")


def test_what_shows_a_secret_plainly_adds_nothing_to_what_is_looked_for() -> None:
    scope = scope_of()

    for n in range(10):
        parse_template(f"{{{{ 'Bearer {n} ' ~ secrets.x }}}}").render(scope)

    ledger = ledger_of(scope)
    assert ledger is not None
    assert ledger.masker.secrets == {SECRET}


def test_a_secret_does_not_show_itself() -> None:
    assert SECRET not in repr(Secret(SECRET, Ledger()))
