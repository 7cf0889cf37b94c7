"""The OpenAPI document, and how flask-smorest has to be told what we do differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeAlias

from flask import Flask
from flask_smorest import Api
from werkzeug.routing import Rule

from pipeline_engine.services import OWNER_ID, USER_ID
from pipeline_engine.services.definitions import definition_schema
from pipeline_engine.services.health import VERSION

from .api.auth import ON_BEHALF, OWNER, Access, access_to, scopes_of
from .api.schemas.problems import ProblemSchema
from .examples import EXAMPLES
from .examples.example import Example
from .problems import PROBLEM_TYPE

Document: TypeAlias = dict[str, Any]

COMPONENTS = "#/components/schemas/"

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
        "description": "An API token (`pe_…`), a token of the environment (PIPELINE_API_TOKEN,"
        " PIPELINE_USER_TOKENS), or a JWT of the issuer that people sign in with. Each operation"
        " names the scope that it needs.",
    },
    "dapr": {
        "type": "apiKey",
        "in": "header",
        "name": "dapr-api-token",
        "description": "The APP_API_TOKEN of services that report events.",
    },
}

#: The schemes by which those who may call a route prove who they are.
SCHEMES: Mapping[Access, tuple[str, ...]] = {
    Access.EVERYBODY: (),
    Access.CALLERS: ("bearer",),
    Access.PARTIES: ("bearer", "dapr"),
}


def _header(name: str, description: str, pattern: str) -> Document:
    schema = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return {"name": name, "in": "header", "description": description, "schema": schema}


ACTING_FOR = _header(
    ON_BEHALF, "The user for whom a service acts; of users it is not read.", USER_ID.pattern
)
OWNED_BY = _header(
    OWNER, "The user or group (`group:ops`) for whom the caller acts; its own.", OWNER_ID.pattern
)
WAITING = _header(
    "Prefer",
    "`wait=N` (RFC 7240): hold the answer back until the end, for at most N seconds.",
    r"wait=\d{1,2}",
)
UNLESS_UNCHANGED = _header(
    "If-None-Match",
    "The ETag of an answer that the client has: 304 if it is the same.",
    ".{1,1000}",
)
#: Headers that a view reads by itself, by operation.
HEADERS: Mapping[str, list[Document]] = {
    "start_execution": [WAITING],
    "run_definition": [WAITING],
    "replace_pipeline": [
        _header("If-Match", "The ETag of the version that is changed.", r'\*|"[1-9]\d{0,17}"')
    ],
    "list_actions": [UNLESS_UNCHANGED],
    "get_action": [UNLESS_UNCHANGED],
}

#: Bodies that no schema reads.
ANY_BODY: Document = {
    "description": "Any JSON, or a form. Of an object `params` are read, unless there is a map.",
    "content": {"application/json": {"schema": {}}},
}
RAW_BODIES: Mapping[str, Document] = {"trigger_webhook": ANY_BODY}

#: Bodies of which one of these fields is enough.
EITHER: Mapping[str, tuple[str, ...]] = {
    "StartBody": ("pipeline_id", "pipeline_name", "workflow_id"),
    "WebhookBody": ("pipeline_id", "workflow_id"),
    "ParamsBody": ("actionType", "action_type"),
    "StepBody": ("workflow_id", "workflow_total_steps"),
}
#: What a body has to have, where rules tell that and no schema.
NEEDED: Mapping[str, tuple[str, ...]] = {"StepBody": ("step_number",)}


def completed(app: Flask, document: Document) -> Document:
    """*document* with what flask-smorest cannot know: access, headers, definitions, examples."""
    schemas = document["components"]["schemas"]
    schemas.update(_definition_components())
    for name, names in EITHER.items():
        schemas[name]["anyOf"] = [{"required": [one]} for one in names]
    for name, names in NEEDED.items():
        schemas[name]["required"] = list(names)
    for rule, item, operation in _operations(app, document):
        example = EXAMPLES[operation["operationId"]]
        access = access_to(app, rule.endpoint)
        scopes = [str(scope) for scope in scopes_of(app, rule.endpoint)]
        # What stands in the list is a scope of OAuth, or, since OpenAPI 3.1, any role.
        operation["security"] = [{scheme: scopes} for scheme in SCHEMES[access]]
        acting = [] if access is Access.EVERYBODY else [ACTING_FOR, OWNED_BY]
        more = [*acting, *HEADERS.get(operation["operationId"], [])]
        operation.setdefault("parameters", []).extend(more)
        if body := RAW_BODIES.get(operation["operationId"]):
            operation["requestBody"] = deepcopy(body)
        _illustrate(operation, example)
        for parameter in item.get("parameters", ()):
            parameter["example"] = example.path[parameter["name"]]
            if parameter["name"] == "execution_id":
                parameter["schema"] = {"type": "string", "format": "uuid"}
    return document


def _operations(app: Flask, document: Document) -> Iterator[tuple[Rule, Document, Document]]:
    """Each rule that is documented, with its path item and its operation."""
    for rule in app.url_map.iter_rules():
        item = document["paths"].get(rule.rule.replace("<", "{").replace(">", "}"), {})
        for method in rule.methods or ():
            if operation := item.get(method.lower()):
                yield rule, item, operation


def _illustrate(operation: Document, example: Example) -> None:
    """Put an example where tools look for it."""
    if example.body is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = example.body
    if example.answer is not None:
        for status, response in operation["responses"].items():
            if status < "3" and "content" in response:
                (content,) = response["content"].values()
                content["example"] = example.answer


def _definition_components() -> Document:
    """The schema of a definition, each of its titled objects as a component of its own."""
    components: Document = {}
    _hoist(dict(definition_schema()), components)
    return components


def _hoist(schema: Any, components: Document) -> Any:
    """*schema* with references in place of its titled parts, which go to *components*."""
    if isinstance(schema, list):
        return [_hoist(member, components) for member in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace("#/$defs/", COMPONENTS)}
    found = {key: _hoist(value, components) for key, value in schema.items()}
    if "properties" not in found or not isinstance(found.get("title"), str):
        return found
    found.pop("$defs", None)
    components[found["title"]] = found
    return {"$ref": COMPONENTS + found["title"]}
