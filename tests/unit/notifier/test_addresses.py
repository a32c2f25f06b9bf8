"""Where a receiver may be: everybody's network, unless the file says otherwise."""

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import pytest

from services.notifier.adapters.addresses import NotPublic, is_local_name, is_public, literal, public_address


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"])
def test_what_everybody_reaches_is_public(text: str) -> None:
    """Also wrapped in another kind of address."""
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
        "240.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "fec0::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_ours_is_not_public_however_it_is_written(text: str) -> None:
    """Loopback, private, link-local (where clouds keep credentials), shared, multicast, and all of them wrapped."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    ("host", "local"),
    [("hooks", True), ("localhost", True), ("a.localhost.", True), ("soc.internal", True), ("soc.example.org", False)],
)
def test_names_that_are_local_by_their_form(host: str, local: bool) -> None:
    """Seen at start-up, before anything is asked."""
    assert is_local_name(host) == local


def test_a_bracketed_address_is_one() -> None:
    """As URLs write IPv6."""
    assert literal("[::1]") == ip_address("::1")
    assert literal("soc.example.org") is None


def looked_up(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Let the resolver answer these in turn."""
    waiting = [*answers]

    async def getaddrinfo(_: Any, host: str, port: int, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (each, port)) for each in waiting.pop(0)]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


async def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of them a client would take is a matter of luck."""
    looked_up(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(NotPublic, match="private: true"):
        await public_address("hooks.example.org", 443)


async def test_each_attempt_looks_anew_and_gets_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public now and private a moment later is refused then."""
    looked_up(monkeypatch, ["8.8.8.8"], ["169.254.169.254"])
    assert await public_address("hooks.example.org", 443) == "8.8.8.8"
    with pytest.raises(NotPublic):
        await public_address("hooks.example.org", 443)


async def test_a_name_that_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address is no public address."""
    looked_up(monkeypatch, [])
    with pytest.raises(NotPublic):
        await public_address("nowhere.example.org", 443)
