"""The page that shows a picture: three files, the same for everybody, with a policy that lets in nothing else."""

from collections.abc import Awaitable, Callable
from html import escape
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

_FOLDER: Final = Path(__file__).with_name("viewer")
_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/viewer.js": ("viewer.js", "text/javascript; charset=utf-8"),
    "/viewer.css": ("viewer.css", "text/css; charset=utf-8"),
}
_CONSOLE: Final = b'data-console=""'
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
}


def viewer_page(console_origin: str | None = None) -> APIRouter:
    """Return its routes; nothing of a case, a person or a store is in them.

    `console_origin`: of the console by which people of the house's provider come; None: nobody does.
    """
    router = APIRouter()
    console = escape(console_origin or "").encode()
    for path, (name, media_type) in _FILES.items():
        body = (_FOLDER / name).read_bytes().replace(_CONSOLE, b'data-console="' + console + b'"')
        router.add_api_route(path, _answer(body, media_type), methods=["GET"])
    return router


def _answer(body: bytes, media_type: str) -> Callable[[], Awaitable[Response]]:
    async def answer() -> Response:
        return Response(body, media_type=media_type, headers=_HEADERS)

    return answer
