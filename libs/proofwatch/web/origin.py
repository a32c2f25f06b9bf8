"""Where a request comes from: what changes anything comes from the application's own pages, and nothing else does."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


class CrossSite(Exception):
    """The request does not come from the application's own origin, or is of another kind than its pages send."""


def of_own_origin(origin: str, kind: str) -> Callable[[Request], Awaitable[None]]:
    """Return what refuses a request that comes from elsewhere, or whose body is not of this kind.

    `origin`: such as https://console.example, as browsers see it. What it returns raises `CrossSite`.
    """

    async def checked(request: Request) -> None:
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.headers.get("origin") != origin or given != kind:
            raise CrossSite
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise CrossSite

    return checked
