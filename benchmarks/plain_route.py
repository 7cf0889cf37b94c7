"""What the API is compared with: a Flask route that inserts one row, and does no more.

The row is durable before the answer, through the same driver and the same kind of pool.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
from flask import Flask, request

from pipeline_engine.config import Settings
from pipeline_engine.storage.postgres.session import make_engine

TABLE = (
    "CREATE TABLE IF NOT EXISTS benchmark_rows (id uuid PRIMARY KEY, body jsonb NOT NULL,"
    " received_at timestamptz NOT NULL DEFAULT now())"
)
INSERT = "INSERT INTO benchmark_rows (id, body) VALUES (%(id)s, %(body)s::jsonb)"
PATH = "/rows"


def make_app() -> Flask:
    """Make the application, with a pool of its own."""
    app = Flask(__name__)
    engine = make_engine(Settings.from_env())

    @app.post(PATH)
    def insert() -> tuple[dict[str, Any], int]:
        row_id = str(uuid4())
        body = orjson.dumps(request.get_json()).decode()
        with engine.begin() as connection:
            connection.exec_driver_sql(INSERT, {"id": row_id, "body": body})
        return {"id": row_id}, 202

    return app
