"""Needs a package that nobody has installed."""

import acme_package_that_does_not_exist  # noqa: F401
