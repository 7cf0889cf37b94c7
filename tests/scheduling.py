"""Which tests run one after another on the same worker of a parallel run."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling

ACCEPTANCE = "tests/acceptance"
BROWSER = f"{ACCEPTANCE}/browser"
#: The others of that folder share a stack.
WITH_A_STACK_OF_THEIR_OWN = {
    "test_battery_smoke.py",
    "test_degraded_service.py",
    "test_demo.py",
    "test_own_servers.py",
}


class WholeFiles(LoadScopeScheduling):  # type: ignore[misc] (it is untyped)
    """Gives a free worker the next file, for the tests of a file share what they start.

    The order is that of the folders: those who wait longest come first.
    """

    def __init__(self, config: Any, log: Any = None) -> None:
        config.option.loadscopereorder = False  # the most tests first would be the quickest first
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder, _, name = file.rpartition("/")
        shares = folder in {ACCEPTANCE, BROWSER} and name not in WITH_A_STACK_OF_THEIR_OWN
        return ACCEPTANCE if shares else file
