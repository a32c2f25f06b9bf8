"""Fixtures of the end-to-end tests."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.announcing import announcer


@pytest.fixture(scope="session")
def announce(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """A function that writes one line to the terminal, whatever is captured."""
    return announcer(pytestconfig)


@pytest.fixture(scope="session")
def report(announce: Callable[[str], None]) -> Callable[[dict[str, Any]], None]:
    """A function that prints measurements as one line of JSON."""
    return lambda measured: announce(json.dumps(measured))
