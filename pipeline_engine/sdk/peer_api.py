"""The half of the engine's door that needs nothing but peers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from pipeline_engine.sdk.engine_api import NullEngine
from pipeline_engine.sdk.gateway_tables import GatewayTables
from pipeline_engine.sdk.peers import Peers
from pipeline_engine.sdk.services import ServiceResponse


class PeerApi(NullEngine):
    """Lets an action talk to the world; the scheduler adds leases, progress and pipelines."""

    def __init__(self, peers: Peers) -> None:
        self.peers = peers

    def invoke_service(
        self,
        app_id: str,
        method_path: str,
        **call: Any,
    ) -> ServiceResponse:
        """Call a peer service; raises ``ServiceError``."""
        return self.peers.invoke(app_id, method_path, **call)

    def http_session(self) -> requests.Session:
        """Open a session that reaches public addresses only."""
        return self.peers.http_session()

    def gateway_tables(self) -> GatewayTables | None:
        """Return the tables of the gateway's Redis, if the operator has said where it is."""
        return self.peers.gateway

    def publish_notification(self, topic: str | None, payload: Mapping[str, Any]) -> None:
        """Hand a notification over."""
        self.peers.publish(payload, topic=topic)
