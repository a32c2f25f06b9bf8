"""Errors in words for an operator."""

import socket

import pytest
from aiokafka.errors import KafkaConnectionError

from proofwatch.bus.wording import plain, reason


def test_addresses_are_host_and_port() -> None:
    """Not the tuples and enumerations of Python, of any family, one or several."""
    v4, v6 = ("127.0.0.1", 1, socket.AF_INET), ("::1", 2, socket.AF_INET6)
    assert plain(KafkaConnectionError(f"Unable to bootstrap from {[v4]}")) == (
        "KafkaConnectionError: Unable to bootstrap from 127.0.0.1:1"
    )
    assert plain(KafkaConnectionError(f"Unable to bootstrap from {[v4, v6, ('kafka', 9092, socket.AF_UNSPEC)]}")) == (
        "KafkaConnectionError: Unable to bootstrap from 127.0.0.1:1, [::1]:2, kafka:9092"
    )
    assert plain(OSError("Connect call failed ('::1', 9092, 0, 0)")) == "Connect call failed [::1]:9092"


def test_what_is_no_address_stays_as_it_is_in_one_line() -> None:
    """Nothing else is rewritten."""
    assert plain(ValueError("a list [1, 2]\nand ('x',) stay")) == "a list [1, 2] and ('x',) stay"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"), "connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "name or service not known"),
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError(), "ConnectionResetError"),
        (OSError("Multiple exceptions: ('::1', 1, 0, 0)"), "Multiple exceptions: [::1]:1"),
    ],
)
def test_why_there_is_no_connection_is_said_in_the_systems_words(error: Exception, said: str) -> None:
    """Refused, unknown and silent are three things to mend."""
    assert reason(error) == said
