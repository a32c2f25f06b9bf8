"""What pages load: files of this package alone, named by their hash, so that a browser may keep them for good."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.responses import Response

from proofwatch.web.problems import Problem

_FOLDER: Final = Path(__file__).parents[1] / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}  # fmt: skip
_NAME: Final = re.compile(r"([a-z]+)\.([0-9a-f]{16})(\.[a-z]+)")


class Assets:
    """The files, read once."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._bodies = {each.name: each.read_bytes() for each in sorted(folder.iterdir()) if each.suffix in _TYPES}
        self._hashes = {name: sha256(body).hexdigest()[:16] for name, body in self._bodies.items()}

    def path(self, name: str) -> str:
        """Return where a file is, for a template."""
        stem, _, suffix = name.partition(".")
        return f"/static/{stem}.{self._hashes[name]}.{suffix}"

    def answer(self, name: str) -> Response:
        """Return a file by its name with the hash. Raises `Problem`."""
        found = _NAME.fullmatch(name)
        plain = f"{found[1]}{found[3]}" if found else ""
        if found is None or self._hashes.get(plain) != found[2]:
            raise Problem(404, "no_such_page", "there is nothing here")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self._bodies[plain], media_type=_TYPES[found[3]], headers=headers)
