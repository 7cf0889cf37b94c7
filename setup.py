"""Everything static is in setup.cfg.  Only the renamed folders need code.

``actions/``, ``web/`` and ``migrations/`` are short names for people.  They are installed
under names that carry the project's, because in site-packages the short ones would belong
to everybody.
"""

from collections.abc import Iterator

from setuptools import find_packages, setup

INSTALLED_AS = {
    "actions": "pipeline_engine_actions",
    "web": "pipeline_engine_web",
    "migrations": "pipeline_engine_migrations",
}


def packages() -> Iterator[str]:
    """Yield every package under the name that it is installed as."""
    yield from find_packages(include=["pipeline_engine", "pipeline_engine.*"])
    for folder, name in INSTALLED_AS.items():
        yield name
        yield from (f"{name}.{child}" for child in find_packages(folder))


setup(
    packages=list(packages()),
    package_dir={name: folder for folder, name in INSTALLED_AS.items()},
)
