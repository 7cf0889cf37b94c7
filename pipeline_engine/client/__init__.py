"""A client of the HTTP API, for the command line, the demo and programs of others."""

from pipeline_engine.client.http import ApiRefused, ApiUnreachable, Client, issue_line
from pipeline_engine.client.snapshot import Snapshot, StepView, follow

__all__ = [
    "ApiRefused",
    "ApiUnreachable",
    "Client",
    "Snapshot",
    "StepView",
    "follow",
    "issue_line",
]
