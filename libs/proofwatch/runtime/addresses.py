"""Addresses that may hold a password: checked before anything parses them, so that no error repeats them."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qs, urlsplit

_PLACE: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:@\[\]]*)(:\d{1,5})?")


def postgres_address(given: str) -> str:
    """Return a PostgreSQL DSN that is one, of one or several hosts. Raises `ValueError`, which does not hold it."""
    return _checked(given, ("postgresql", "postgres"), "postgresql://user:password@host:5432/database")


def redis_address(given: str) -> str:
    """Return a Redis URL that is one; rediss: with TLS. Raises `ValueError`, which does not hold it."""
    return _checked(given, ("redis", "rediss", "unix"), "redis://:password@host:6379/0, or rediss:// with TLS")


def registry_address(given: str | None) -> str | None:
    """Return a schema registry's URL that is one. Raises `ValueError`, which does not hold it."""
    return given and _checked(given, ("http", "https"), "https://user:password@host:8081")


def shown(address: str) -> str:
    """Return hosts, ports and path of an address, for messages: nothing before the @, nothing after the ?."""
    parts = urlsplit(address)
    places = parts.netloc.rpartition("@")[2] or ",".join(parse_qs(parts.query).get("host", ["the default host"]))
    return f"{places}{parts.path}"


def _checked(given: str, schemes: Collection[str], right: str) -> str:
    if not _is_address(given, schemes):
        raise ValueError(
            f"must look like {right}; in user and password, percent-encode everything but letters and digits"
        )
    return given


def _is_address(given: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(given)
    except ValueError:
        return False
    # a / ? # or @ of a password that is not encoded would pass for the rest of the address
    whole = not parts.fragment and "@" not in parts.path + parts.query and parts.netloc.count("@") <= 1
    places = parts.netloc.rpartition("@")[2].split(",")
    return whole and parts.scheme in schemes and all(_PLACE.fullmatch(place) for place in places)
