"""Before a worker goes on: is it the turn of another owner, who has steps in the same queue?"""

from __future__ import annotations

import structlog
from sqlalchemy.exc import DBAPIError

from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.sharing import Share
from pipeline_engine.storage import shares
from pipeline_engine.storage.postgres.session import autocommit
from pipeline_engine.storage.shares import Owners

log = structlog.get_logger(__name__)


def before_message(runtime: Runtime, queue: str, step: int) -> str | None:
    """The owner whose turn comes before that of the owner of *step*, which a message names."""
    share = runtime.sharing.of(queue)
    if share.is_alone or share.was_idle:
        return None
    found = _look(runtime, queue, share, step)
    return None if found is None or found.mine is None else share.before(found.mine)


def before_next(runtime: Runtime, queue: str, owner: str) -> str | None:
    """The owner whose turn comes before that of *owner*, whose steps a thread would go on with."""
    share = runtime.sharing.of(queue)
    if not share.is_fresh:
        _look(runtime, queue, share)
    return share.before(owner)


def _look(runtime: Runtime, queue: str, share: Share, step: int | None = None) -> Owners | None:
    try:
        with autocommit(runtime.engine) as connection:
            found = shares.waiting(connection, queue, beginning=share.beginning, step=step)
    except DBAPIError as error:  # the step itself will say whether it can be run
        log.warning("nobody was asked whose turn it is", error=str(error.orig))
        return None
    share.saw(found.names, next_from=found.those_behind)
    return found
