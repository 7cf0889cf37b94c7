"""Plays the two services of Acme, for trying the actions on one machine.

``python stand_in.py`` prints its address. With PIPELINE_API_URL and PIPELINE_API_TOKEN in its
environment it tells the engine when a report is there.
"""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = {"de": {"Good morning": "Guten Morgen"}, "fr": {"Good morning": "Bonjour"}}


class Services(BaseHTTPRequestHandler):
    """Answers what the actions ask."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Translate, or take the order of a report."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/translations":
            known = WORDS.get(asked["to"], {})
            self._answer({"text": known.get(asked["text"], asked["text"].upper())})
        else:
            report_id = f"report-{self.headers.get('Idempotency-Key', 'without-a-key')}"
            self._answer({"id": report_id})
            threading.Thread(target=rendered, args=(report_id, len(asked["rows"]))).start()

    def do_DELETE(self) -> None:
        """Call a report off."""
        self._answer({})

    def _answer(self, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def rendered(report_id: str, rows: int) -> None:
    """Tell the engine how far a report is, and that it is there."""
    engine, token = os.environ.get("PIPELINE_API_URL"), os.environ.get("PIPELINE_API_TOKEN")
    if not engine:
        return
    done = {"status": "COMPLETED", "result": {"url": f"http://reports.example/{rows}-rows.pdf"}}
    for event in (
        {"type": "report_progress", "percentage": 50},
        {"type": "report_completed", **done},
    ):
        request = urllib.request.Request(
            f"{engine}/api/v1/events",
            json.dumps({"workflow_id": report_id, **event}).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        urllib.request.urlopen(request, timeout=10).close()


def main() -> None:
    """Serve until it is stopped, at a port that is free."""
    with ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "0"))), Services) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
