"""Under which names an application answers: who leads another one to this machine (DNS rebinding) gets nothing."""

import re
from collections.abc import Collection
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from proofwatch.web.guard import Refuse

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST: Final = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?", re.ASCII)
_REFUSED: Final = "nothing is answered under this name: ask for the address that the operator gave you"


def names_of(origin: str, further: str = "") -> frozenset[str]:
    """Return the names of an origin such as https://console.example and of `further`, with blanks between."""
    return frozenset({_name(origin.partition("://")[2]), *(_name(each) for each in further.split())})


class Hosts:
    """An application around another, which requests under other names do not reach; ports are not looked at."""

    def __init__(self, app: ASGIApp, names: Collection[str], refuse: Refuse) -> None:
        self._app, self._names, self._refuse = app, frozenset(names), refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with 421."""
        if scope["type"] == "http":
            given = HTTPConnection(scope).headers.getlist("host")
            if len(given) != 1 or _name(given[0]) not in self._names:
                await self._refuse(421, "other_host", _REFUSED)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _name(host: str) -> str:
    """Return a host without its port, in small letters; what is no host is no name that is allowed."""
    found = _HOST.fullmatch(host.lower())
    return found[1].strip("[]").removesuffix(".") if found else ""
