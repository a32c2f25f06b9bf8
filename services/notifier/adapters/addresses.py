"""Where a name leads, and whether that is a place of everybody's: a receiver's name must not lead into our own network.

Each attempt looks anew, and connects to the address that was looked at: a name that is public when it is checked and
private when it is used (DNS rebinding) gets nowhere.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.request import getproxies, proxy_bypass

_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class NotPublic(Exception):
    """A name leads to no public address; the message names neither."""


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is written as; None: it is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether it is globally reachable (RFC 6890), whatever it is wrapped in."""
    if isinstance(address, IPv6Address):
        if (inner := _inner(address)) is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def is_local_name(host: str) -> bool:
    """Return whether a name is by its form one of this machine or its network."""
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith((".localhost", ".local", ".internal", ".home.arpa"))


async def public_address(host: str, port: int) -> str:
    """Return an address of the host to connect to. Raises `NotPublic` if any is not public, and `OSError`."""
    found = literal(host)
    if found is not None:
        addresses = [found]
    else:
        looked_up = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ip_address(str(where[0]).partition("%")[0]) for *_, where in looked_up]
    if not addresses or not all(map(is_public, addresses)):
        raise NotPublic("its name leads to a private address; private: true in the routes file allows that")
    return str(addresses[0])


def goes_through_proxy(scheme: str, host: str) -> bool:
    """Return whether the environment sends such a request through a proxy, which then decides where it may go."""
    return scheme in getproxies() and not proxy_bypass(host)


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None
