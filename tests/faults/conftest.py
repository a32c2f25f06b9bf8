"""How the fault tests show what they measure."""

import time
from collections.abc import Iterator

import pytest

from tests.faults.table import Report


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Iterator[Report]:
    """One line for each fault, past pytest's capture; and a table at the end."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    terminal = pytestconfig.pluginmanager.getplugin("terminalreporter")
    began = time.monotonic()

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            terminal.ensure_newline()
            terminal.write_line(f"[{time.monotonic() - began:6.1f} s] {line}")

    made = Report(say)
    yield made
    say(f"results\n{made.markdown()}")
