"""What errors of the Kafka client and of sockets say, in words for an operator: addresses, no Python values."""

import os
import re
from typing import Final

_ADDRESS: Final = re.compile(r"\('([^']*)', (\d+)(?:, <[^>]*>|, \d+)*\)")
_LIST: Final = re.compile(r"from \[(.*)\]")
_UNSAID: Final = "no answer in time"


def plain(error: BaseException) -> str:
    """Return the message in one line, addresses as `host:port`."""
    text = _ADDRESS.sub(_address, " ".join(str(error).split()))
    return _LIST.sub(r"from \1", text)


def reason(error: BaseException) -> str:
    """Return why there is no connection: the system's words for it where it has some."""
    if isinstance(error, OSError) and error.strerror:
        number = error.errno or 0  # negative where a name does not resolve
        return (os.strerror(number) if number > 0 else error.strerror).lower()
    return plain(error) or (_UNSAID if isinstance(error, TimeoutError) else type(error).__name__)


def _address(found: re.Match[str]) -> str:
    host, port = found[1], found[2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
