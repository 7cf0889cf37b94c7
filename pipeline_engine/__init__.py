"""Pipeline Engine: durable pipelines on Celery.  Rows decide, Celery only carries."""

__version__ = "0.1.0"
