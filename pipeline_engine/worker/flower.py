"""Puts the metrics of Flower behind its password; Flower itself shows them without one."""

from __future__ import annotations

import sys


def ask_for_the_password() -> None:
    """Let the metrics of a Flower in this process ask as all its other pages do.

    Its command is loaded before our app. Where it is not installed, there is nothing to close.
    """
    monitor, web = sys.modules.get("flower.views.monitor"), sys.modules.get("tornado.web")
    if monitor is not None and web is not None:
        monitor.Metrics.get = web.authenticated(monitor.Metrics.get)
