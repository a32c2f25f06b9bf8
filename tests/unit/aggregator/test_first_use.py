"""What is slow on first use is loaded before a transaction is open."""

import subprocess
import sys

PROGRAM = """
import asyncio, sys
from services.aggregator.handlers.{module} import {stage}
assert "scipy.special" not in sys.modules
stage = {stage}.__new__({stage})
opening = stage.opened(None, 0, None)
try:
    opening.send(None)
except AttributeError:
    pass  # it has nothing but its class
sys.exit(0 if "scipy.special" in sys.modules else 1)
"""


def test_stages_load_statistics_when_they_are_opened() -> None:
    """A transaction that is silent for five seconds loses its connection, and the import may take as long."""
    for module, stage in (("ledger", "LedgerStage"), ("windows", "WindowsStage")):
        program = PROGRAM.format(module=module, stage=stage)
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0, stage
