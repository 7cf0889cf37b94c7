"""Blueprints whose bodies pass the JSON guard; flask-smorest's decorators, with types."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema

from pipeline_engine.services import Act, Scope

from ..sse import CONTENT_TYPE
from .bodies import GuardedParser
from .context import commit

View = TypeVar("View", bound=Callable[..., Any])


class Blueprint(SmorestBlueprint):
    """The routes of one noun."""

    ARGUMENTS_PARSER = GuardedParser()

    def on(
        self,
        method: str,
        rule: str = "",
        *,
        operation: str,
        scope: Scope | tuple[Scope, ...] | None,
        act: Act | None = None,
    ) -> Callable[[View], View]:
        """Serve *method* on *rule* with the decorated view.

        *operation* is its name in the OpenAPI document, and so in generated clients. *scope* is
        the right that it needs, or all of some; null is for what is open to everybody. *act* is
        what the audit log calls it, also when it is refused; null is for what changes nothing.
        """

        def decorate(view: View) -> View:
            needed = (scope,) if isinstance(scope, Scope) else scope or ()
            view.scopes, view.act = needed, act  # type: ignore[attr-defined]
            view.operation = operation  # type: ignore[attr-defined]
            named: View = self.doc(operationId=operation)(view)
            served: View = self.route(rule, methods=[method])(named)
            return served

        return decorate

    def body(self, schema: type[Schema], *, required: bool = True) -> Callable[[View], View]:
        """Hand the JSON body to the view, loaded by *schema*."""
        decorate: Callable[[View], View] = self.arguments(schema(), required=required)
        return decorate

    def query(self, schema: type[Schema]) -> Callable[[View], View]:
        """Hand the query to the view, loaded by *schema*."""
        decorate: Callable[[View], View] = self.arguments(schema(), location="query")
        return decorate

    def header(self, schema: type[Schema]) -> Callable[[View], View]:
        """Hand some headers to the view, loaded by *schema*."""
        decorate: Callable[[View], View] = self.arguments(schema(), location="headers")
        return decorate

    def answers(
        self, status: int, schema: Schema | type[Schema] | dict[str, str] | None = None
    ) -> Callable[[View], View]:
        """Commit what the view did, and dump what it returns; any other status is a problem."""

        def decorate(view: View) -> View:
            described: View = self.response(status, schema)(_committed(view))
            documented: View = self.alt_response("default", "DEFAULT_ERROR")(described)
            return documented

        return decorate

    def goes_on(self) -> Callable[[View], View]:
        """Document an answer that is a stream; the view returns it as it is."""

        def decorate(view: View) -> View:
            streams = {"content_type": CONTENT_TYPE, "description": "Server-sent events."}
            described: View = self.response(200, {"type": "string"}, **streams)(view)
            over: View = self.alt_response(204, description="Nothing is left to tell.")(described)
            documented: View = self.alt_response("default", "DEFAULT_ERROR")(over)
            return documented

        return decorate

    def or_answers(
        self,
        status: int,
        schema: Schema | type[Schema] | dict[str, str] | None = None,
        *,
        meaning: str,
    ) -> Callable[[View], View]:
        """Document another status that a view may return."""
        decorate: Callable[[View], View] = self.alt_response(
            status, schema=schema, description=meaning
        )
        return decorate


def _committed(view: View) -> View:
    """*view*, whose work is lasting when it returns; what it has raised on is undone."""

    @wraps(view)
    def committed(*args: Any, **kwargs: Any) -> Any:
        answer = view(*args, **kwargs)
        commit()
        return answer

    return committed  # type: ignore[return-value]
