"""The console's door: who is let in, and the pages that are delivered to those who are.

Reading order: ``sign_in`` (form, session, sign-out), ``application`` (what was built),
``goals`` (where somebody may be sent), ``answers`` (the headers of pages, and errors as pages).
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from . import application, sign_in


def install(app: Flask, built: Path) -> None:
    """Serve ``/console``; its pages are in *built*, once they are."""
    sign_in.install(app)
    application.install(app, built)
