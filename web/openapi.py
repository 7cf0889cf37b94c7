"""The OpenAPI document, and how flask-smorest has to be told what we do differently."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from pipeline_engine.services.health import VERSION

from .api.errors import PROBLEM_TYPE
from .api.schemas.problems import ProblemSchema

DESCRIPTION = """Durable pipelines: store a definition, execute it, follow it, cancel it.

Errors are `application/problem+json` (RFC 9457) with a stable `code`; see docs/reference/errors.md.
Every path is served below `/api/v1` and, for clients of the reference service, at the root.
"""


class ProblemApi(Api):
    """An Api whose errors are problems (RFC 9457), in the document and on the wire."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_RESPONSE_CONTENT_TYPE: str = "application/json"

    def _register_error_handlers(self) -> None:
        """Leave errors to ``api/errors.py``."""

    def _register_responses(self) -> None:
        usual = self.DEFAULT_RESPONSE_CONTENT_TYPE
        self.DEFAULT_RESPONSE_CONTENT_TYPE = PROBLEM_TYPE
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = usual


def make_api(app: Flask) -> ProblemApi:
    """The collector of routes for the OpenAPI document; serving it is the business of docs.py."""
    app.config.update(
        API_TITLE="Pipeline Engine",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION},
            "security": [{"bearer": []}],
            "components": {"securitySchemes": SECURITY_SCHEMES},
        },
    )
    return ProblemApi(app)


SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of PIPELINE_API_TOKEN (may act for others with `X-User-ID`)"
        " or of PIPELINE_USER_TOKENS (acts for its user only).",
    },
    "dapr": {
        "type": "apiKey",
        "in": "header",
        "name": "dapr-api-token",
        "description": "The APP_API_TOKEN of services that report events.",
    },
}
