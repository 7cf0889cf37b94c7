"""Everything static is in setup.cfg.  Only the renamed folders and the console need code.

``actions/``, ``web/`` and ``migrations/`` are short names for people.  They are installed
under names that carry the project's, because in site-packages the short ones would belong
to everybody.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

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


class BuildWithConsole(build_py):
    """Builds the console before files are collected, so that a wheel has its pages."""

    def run(self) -> None:
        """An editable installation has the folder itself, and ``make install`` builds there."""
        console = Path(__file__).parent / "web" / "console" / "make.py"
        if console.exists() and not self.editable_mode:
            subprocess.run([sys.executable, str(console)], check=True)  # noqa: S603 (ours)
        super().run()


setup(
    cmdclass={"build_py": BuildWithConsole},
    packages=list(packages()),
    package_dir={name: folder for folder, name in INSTALLED_AS.items()},
)
