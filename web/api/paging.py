"""Pages of lists: how they are asked for and how they are described."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import fields

from pipeline_engine.services.pages import Listed

from .schemas.fields import ApiSchema


class PaginationSchema(ApiSchema):
    """Where a page is in its list."""

    page = fields.Integer(attribute="page.number")
    page_size = fields.Integer(attribute="page.size")
    total_count = fields.Integer(attribute="total")
    total_pages = fields.Integer()


def list_headers(found: Listed[Any]) -> dict[str, str]:
    """What the headers of a bare array say about the rest of the list (RFC 8288)."""
    page = found.page.number
    links = {
        "first": 1,
        "prev": page - 1 if page > 1 else None,
        "next": page + 1 if page < found.total_pages else None,
        "last": max(found.total_pages, 1),
    }
    described = ", ".join(
        f'<{_address_of(number, found.page.size)}>; rel="{relation}"'
        for relation, number in links.items()
        if number is not None
    )
    return {"X-Total-Count": str(found.total), "Link": described}


def _address_of(page: int, size: int) -> str:
    given = {name: request.args.getlist(name) for name in request.args}
    query = given | {"page": [str(page)], "page_size": [str(size)]}
    return f"{request.path}?{urlencode(query, doseq=True)}"
