"""What a view may ask for: the runtime, the caller, and the session of its request."""

from __future__ import annotations

from flask import Flask, current_app, g
from sqlalchemy.orm import Session

from pipeline_engine.services import Caller, Runtime
from pipeline_engine.services.health import Probe
from pipeline_engine.services.last_known import LastKnown
from pipeline_engine.services.looks import Looks
from pipeline_engine.services.marketplace import Shelves, shelves_of

EXTENSION = "pipeline_engine"
PROBE = "pipeline_engine_probe"
LAST_KNOWN = "pipeline_engine_last_known"
SHELVES = "pipeline_engine_shelves"
LOOKS = "pipeline_engine_looks"


def install(app: Flask, runtime: Runtime) -> None:
    """Give *app* its runtime, and close each request's session at its end."""
    app.extensions[EXTENSION] = runtime
    app.extensions[PROBE] = Probe(runtime.settings, runtime.redis)
    app.extensions[LAST_KNOWN] = LastKnown(runtime.redis, runtime.settings.key_prefix)
    app.extensions[SHELVES] = shelves_of(runtime.settings)
    app.extensions[LOOKS] = Looks()
    app.teardown_appcontext(close_session)


def runtime() -> Runtime:
    """The runtime of this process."""
    found: Runtime = current_app.extensions[EXTENSION]
    return found


def probe() -> Probe:
    """The one who knows how everything is."""
    found: Probe = current_app.extensions[PROBE]
    return found


def last_known() -> LastKnown:
    """What readers were last told, for while the database is away."""
    found: LastKnown = current_app.extensions[LAST_KNOWN]
    return found


def looks() -> Looks:
    """What is looked at just now, for all who ask."""
    found: Looks = current_app.extensions[LOOKS]
    return found


def shelves() -> Shelves:
    """The packages of actions that could be installed."""
    found: Shelves = current_app.extensions[SHELVES]
    return found


def caller() -> Caller:
    """The one who sent this request; ``auth.py`` has found out who that is."""
    found: Caller = g.caller
    return found


def session() -> Session:
    """The session of this request; what its view did is committed before it is answered."""
    if "session" not in g:
        g.session = runtime().sessions()
    found: Session = g.session
    return found


def commit() -> None:
    """Make lasting what was done in the session of this request, if one was opened."""
    opened: Session | None = g.get("session")
    if opened is not None:
        opened.commit()


def close_session(_: BaseException | None = None) -> None:
    """Give the connection of this request back; what was not committed is undone."""
    opened: Session | None = g.pop("session", None)
    if opened is not None:
        opened.close()
