"""A transit engine as the documentation of Vault's HTTP API describes it: one key, its versions, on 127.0.0.1."""

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "s.of-a-test"


class Engine:
    """One key `data-keys` below `transit`; versions by `rotate`, and gone by `trim`."""

    def __init__(self) -> None:
        self.versions = {1: secrets.token_bytes(32)}
        self.derived, self.sealed, self.address = True, False, ""
        self.asked: list[str] = []

    def rotate(self) -> None:
        self.versions[max(self.versions) + 1] = secrets.token_bytes(32)

    def trim(self, least: int) -> None:
        """`min_decryption_version` moves with it, as the engine demands."""
        self.versions = {version: key for version, key in self.versions.items() if version >= least}

    def answer(self, method: str, path: str, token: str | None, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        act, _, name = path.removeprefix("/v1/transit/").partition("/")
        if name != "data-keys":
            return 404, {"errors": []} if method == "GET" else {"errors": ["encryption key not found"]}
        if (method, act) == ("GET", "keys"):
            versions = {str(version): 1_442_851_412 for version in self.versions}
            said = {"type": "aes256-gcm96", "derived": self.derived, "keys": versions, "supports_encryption": True}
            return 200, {
                "data": {**said, "min_decryption_version": min(self.versions), "latest_version": max(versions)}
            }
        self.asked.append(act)
        if (many := given.get("batch_input")) is not None:
            answers = [self._answered(method, act, each) for each in many]
            results = [said["data"] if status == 200 else {"error": said["errors"][0]} for status, said in answers]
            return max(status for status, _ in answers), {"data": {"batch_results": results}}
        return self._answered(method, act, given)

    def _answered(self, method: str, act: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.derived and not given.get("context"):
            return 400, {"errors": ["missing 'context' for key derivation"]}
        if (method, act) == ("POST", "encrypt"):
            version, nonce = max(self.versions), secrets.token_bytes(12)
            body = nonce + self._cipher(version, given).encrypt(nonce, base64.b64decode(given["plaintext"]), None)
            return 200, {"data": {"ciphertext": f"vault:v{version}:{base64.b64encode(body).decode()}"}}
        if (method, act) == ("POST", "decrypt"):
            _, version_text, text = given["ciphertext"].split(":")
            version, body = int(version_text.removeprefix("v")), base64.b64decode(text)
            if version not in self.versions:
                return 400, {"errors": ["ciphertext or signature version is disallowed by policy (too old)"]}
            try:
                plain = self._cipher(version, given).decrypt(body[:12], body[12:], None)
            except InvalidTag:
                return 400, {"errors": ["cipher: message authentication failed"]}
            return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}
        return 405, {"errors": ["unsupported operation"]}

    def _cipher(self, version: int, given: dict[str, Any]) -> AESGCM:
        context = base64.b64decode(given.get("context", "")) if self.derived else b""
        return AESGCM(hmac.digest(self.versions[version], context, "sha256"))


@contextmanager
def transit() -> Iterator[Engine]:
    """Serve it while the block runs; `address` says where."""
    engine = Engine()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            given = json.loads(self.rfile.read(length) or b"{}")
            status, said = engine.answer(self.command, self.path, self.headers.get("X-Vault-Token"), given)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    engine.address = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield engine
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
