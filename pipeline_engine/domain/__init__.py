"""Pure rules: definitions, readiness, retries, expressions. No Flask, Celery or SQLAlchemy here."""
