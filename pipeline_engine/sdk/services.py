"""What a call to a peer service returns, and the names that peers go by."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import quote

from pipeline_engine.sdk.errors import InvalidActionParams

#: Topic on which peers publish what a parked step waits for.
CALLBACK_TOPIC = "budpipelineEvents"


class ServiceResponse(dict[str, Any]):
    """The JSON object that a peer answered; ``await`` hands back the same object.

    So ``context.invoke_service(...)`` reads the same in ``def`` and in ``async def`` actions.
    """

    def __await__(self) -> Generator[Any, None, ServiceResponse]:
        return self
        yield  # never reached; makes this function the iterator that await asks for


class ServiceNames:
    """``settings.budapp_app_id`` of the seed guide; deployments map names to their own ids."""

    budapp_app_id = "budapp"
    budcluster_app_id = "budcluster"
    budmodel_app_id = "budmodel"
    budsim_app_id = "budsim"
    budnotify_app_id = "budnotify"
    budmetrics_app_id = "budmetrics"


settings = ServiceNames()


def path_segment(value: object) -> str:
    """Return *value* as one segment of a method path, so that an id cannot name another route.

    Raises ``InvalidActionParams`` for an empty text, ``.`` and ``..``. A text in which one of
    these two is between slashes is refused by the call itself (``ServiceError``).
    """
    text = str(value)
    if text in ("", ".", ".."):
        raise InvalidActionParams(f"{text!r} cannot be part of a path")
    return quote(text, safe="")
