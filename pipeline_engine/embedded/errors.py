"""What can go wrong with the servers and processes that we start ourselves."""

from __future__ import annotations

from pipeline_engine.errors import PipelineEngineError


class EmbeddedServersMissing(PipelineEngineError):
    """The embedded servers are not installed."""

    code = "embedded_servers_missing"


class ServerFailed(PipelineEngineError):
    """An embedded server did not start."""

    code = "server_failed"


class AlreadyRunning(PipelineEngineError):
    """A stack is running in this directory already."""

    code = "already_running"


class NotRunning(PipelineEngineError):
    """No stack is running in this directory."""

    code = "not_running"


class PortTaken(PipelineEngineError):
    """Another program listens on the chosen port."""

    code = "port_taken"


class StackFailed(PipelineEngineError):
    """The stack did not become ready."""

    code = "stack_failed"
