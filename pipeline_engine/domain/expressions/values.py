"""How an expression looks into values, and how a value leaves the expression.

Attributes of Python objects do not exist here: a dot and a bracket both look up a key of a
mapping or a position in a list or text, nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_engine.domain.expressions.errors import NumberOutOfRange, SecretMisused, WrongOperand
from pipeline_engine.domain.expressions.fuel import Fuel, refuse_large
from pipeline_engine.domain.expressions.limits import MAX_INTEGER, MIN_INTEGER
from pipeline_engine.domain.expressions.secrecy import Secret
from pipeline_engine.domain.expressions.undefined import UNDEFINED


def look_up(container: Any, key: Any) -> Any:
    """What stands at this key or position, or ``UNDEFINED``; keys are text, positions integers."""
    # The usual case, and without a try block the fastest.
    if type(container) is dict and isinstance(key, str):
        return container.get(key, UNDEFINED)
    try:
        if isinstance(container, Mapping) and isinstance(key, str):
            return container[key]
        if isinstance(container, list | tuple | str) and type(key) is int:
            return container[key]
    except (KeyError, IndexError):
        pass
    if isinstance(container, Secret) or isinstance(key, Secret):
        raise SecretMisused("One cannot look into a secret, nor look something up by it.")
    return UNDEFINED


def as_json(value: Any, fuel: Fuel) -> Any:
    """The value as it may leave the expression: a lazy mapping is read, undefined becomes null.

    What is inside a ``dict`` or ``list`` of the scope is JSON by contract and is not walked, so
    passing a large value on costs nothing.
    """
    if value is None or isinstance(value, _PASSED_ON):
        return value
    if value is UNDEFINED:
        return None
    if isinstance(value, Mapping):
        fuel.spend(2 * len(value))
        return {key: as_json(value[key], fuel) for key in value}
    if isinstance(value, tuple):
        fuel.spend(len(value))
        return [as_json(item, fuel) for item in value]
    raise WrongOperand(f"An expression cannot work with {kind(value)}.")


#: Types of values that an expression yields as they are.
_PASSED_ON = (str, int, float, dict, list, Secret)


def as_text(value: Any, fuel: Fuel) -> str:
    """How a value reads inside a text: as Jinja writes it, so ``True``, ``None``, ``[1, 'a']``."""
    if isinstance(value, str):
        return str.__str__(value)  # the text of an enum member, not its name
    if value is UNDEFINED:
        return ""
    if isinstance(value, int):
        return str(in_range(value))
    if value is None or isinstance(value, float):
        return str(value)
    contents = as_json(value, fuel)
    refuse_large(fuel.spend_on_contents(contents))
    text = repr(contents)
    fuel.spend_on_text(len(text))
    return text


def as_one_text(values: Sequence[Any], fuel: Fuel) -> Any:
    """Values as they read one after another; a secret among them makes the whole a secret."""
    secret: Secret | None = None
    texts: list[str] = []
    for value in values:
        if type(value) is str:
            texts.append(value)
        elif type(value) is Secret:
            secret = value
            texts.append(value.reveal())
        else:
            texts.append(as_text(value, fuel))
    fuel.spend_on_text(sum(map(len, texts)))
    text = "".join(texts)
    return text if secret is None else secret.become(text)


def in_range(number: Any) -> Any:
    """The number, if every reader of JSON can take it."""
    if isinstance(number, int):
        if MIN_INTEGER <= number <= MAX_INTEGER:
            return number
        raise NumberOutOfRange("An integer does not fit into 64 bits.")
    if not math.isfinite(number):
        raise NumberOutOfRange("A number is not finite.")
    return number


def kind(value: Any) -> str:
    """What to call a value in a message, which never shows the value itself.

    Whoever refuses a value asks what it is, so a secret is refused here, as what it is.
    """
    if isinstance(value, Secret):
        raise SecretMisused("This cannot be done with a secret.")
    if value is None or value is UNDEFINED:
        return "null" if value is None else "an undefined value"
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return f"a value of type {type(value).__name__}"


_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "a boolean"),
    (int | float, "a number"),
    (str, "a text"),
    (list | tuple, "a list"),
    (Mapping, "an object"),
)
