"""A secret with all that others write in another way, and where to look for it."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from support.driving import Driver

#: Quotation marks, a line end and letters beyond ASCII: each form of it is another text.
CANARY = 'p@ss/wörd"\n1'


def forms_of(secret: str) -> dict[str, str]:
    """A text as others write it."""
    return {
        "plain": secret,
        "json": json.dumps(secret)[1:-1],
        "json in utf-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "python": repr(secret)[1:-1],
        "url": quote(secret, safe=""),
        "path": quote(secret),
        "form": quote_plus(secret),
        "html": html.escape(secret),
        "base64": base64.b64encode(secret.encode()).decode(),
        "hex": secret.encode().hex(),
    }


FORMS = forms_of(CANARY)


def quotes(text: str, *secrets: str) -> bool:
    """Whether *text* shows the canary, or one of these, in any form."""
    return any(form in text for form in (*FORMS.values(), *secrets))


def rows_that_quote(driver: Driver, *secrets: str) -> list[str]:
    """The tables in which the canary, or one of these, stands in any form, whatever the column."""
    with driver.runtime.engine.connect() as connection:
        names = connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        )
        return [
            table
            for table in names.scalars().all()
            for row in connection.exec_driver_sql(f'SELECT row_to_json(t) FROM "{table}" t')  # noqa: S608
            if any(quotes(text, *secrets) for text in _texts(row[0]))
        ]


def _texts(value: Any) -> Iterator[str]:
    # The texts themselves: in a dump of them each is escaped once more.
    if isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
    else:
        yield str(value)
