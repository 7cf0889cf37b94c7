"""Alembic's way into the database; ``DATABASE_URL`` says which, unless a caller does."""

import os
from importlib import import_module
from pkgutil import iter_modules

from alembic import context
from sqlalchemy import create_engine, pool

from pipeline_engine.storage import tables
from pipeline_engine.storage.postgres.session import driver_url
from pipeline_engine.storage.tables.base import Base

# A table is known once its module is imported, and in a fresh process nobody else has done so.
for module in iter_modules(tables.__path__):
    import_module(f"{tables.__name__}.{module.name}")


def run() -> None:
    """Migrate, one transaction for all steps: a migration that is killed has not happened."""
    url = context.config.attributes.get("database_url") or os.environ["DATABASE_URL"]
    engine = create_engine(driver_url(url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
