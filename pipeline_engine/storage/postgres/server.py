"""What the server says of itself."""

from __future__ import annotations

from sqlalchemy import Connection


def ping(connection: Connection) -> None:
    """Raise ``SQLAlchemyError`` unless the server answers."""
    connection.exec_driver_sql("SELECT 1")


def version(connection: Connection) -> tuple[int, int]:
    """The version as (major, minor): ``(16, 2)``."""
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    return number // 10_000, number % 10_000


def setting(connection: Connection, name: str) -> str:
    """A setting as this session has it; *name* is not from outside."""
    return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())


def clock(connection: Connection) -> float:
    """The time there, in seconds since 1970."""
    found: float = connection.exec_driver_sql(
        "SELECT extract(epoch FROM clock_timestamp())::float8"
    ).scalar_one()
    return found
