"""How the fault tests show what they measure."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.table import Report
from tests.support.announcing import announcer


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Iterator[Report]:
    """One line for each fault, past pytest's capture; and a table at the end."""
    announce = announcer(pytestconfig)
    began = time.monotonic()

    def say(line: str) -> None:
        announce(f"[{time.monotonic() - began:6.1f} s] {line}")

    made = Report(say)
    yield made
    say(f"results\n{made.markdown()}")
