"""The runs of these tests share a database server."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_server(shared_server: None) -> None:
    """Before any fixture of a module that runs a command."""
