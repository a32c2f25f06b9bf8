"""Lines for whoever watches the run, past what is captured; from a process of pytest-xdist, too."""

import sys
from collections.abc import Callable

import pytest


def announcer(config: pytest.Config) -> Callable[[str], None]:
    """Return a function that writes one line to the terminal."""
    capture = config.pluginmanager.getplugin("capturemanager")
    terminal = config.pluginmanager.getplugin("terminalreporter")

    def announce(line: str) -> None:
        with capture.global_and_fixture_disabled():
            if terminal is None:  # the terminal is the first process's; standard error is ours too
                sys.stderr.write(f"\n{line}\n")
                sys.stderr.flush()
            else:
                terminal.ensure_newline()
                terminal.write_line(line)

    return announce
