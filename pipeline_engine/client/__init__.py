"""A client of the HTTP API, for the command line, the demo and programs of others."""

from pipeline_engine.client.following import follow
from pipeline_engine.client.http import ApiRefused, ApiUnreachable, Client, issue_line
from pipeline_engine.client.snapshot import Snapshot, StepView
from pipeline_engine.client.streams import Streamed, stream

__all__ = [
    "ApiRefused",
    "ApiUnreachable",
    "Client",
    "Snapshot",
    "StepView",
    "Streamed",
    "follow",
    "issue_line",
    "stream",
]
