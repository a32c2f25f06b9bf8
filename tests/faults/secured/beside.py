"""The processes beside the eight stages: auditor, consents, imagery and privacy, each with what it alone is given."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx

from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.passwords import hashed
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.audit.note import SigningKey
from proofwatch.bus.postgres.pool import opened
from services.imagery.api.routes import COOKIE
from tests.support.processes import ServiceProcess
from tests.support.runner import free_port

NAMES: Final = ("auditor", "consents", "imagery", "privacy")
PASSWORD: Final = "four unrelated words here"
_BY: Final = By(OPERATOR, "a test")
_KEYS: Final = "1:" + base64.b64encode(bytes(range(32))).decode()
_SECONDS: Final = 60.0


class Beside:
    """Four processes, and somebody who gives them work with the rights of the role `people`."""

    def __init__(self, env: Mapping[str, str], own: Mapping[str, Mapping[str, str]], folder: Path) -> None:
        """`own`: by process, what it is known as; `env`: what all have."""
        key = SigningKey.from_seed("audit.example/secured", sha256(b"secured").digest())
        pictures, keys, self.port = folder / "pictures", folder / "log.pub", free_port()
        pictures.mkdir()
        keys.write_text(f"{key.verifier.text()}\n")
        self.origin = f"http://localhost:{self.port}"
        given = {
            "auditor": {
                "PROOFWATCH_AUDIT_SIGNING_KEYS": key.text(),
                "PROOFWATCH_AUDIT_CHECKPOINTS_FILE": str(folder / "checkpoints.jsonl"),
            },
            "imagery": {
                "PROOFWATCH_IMAGERY_PORT": str(self.port),
                "PROOFWATCH_IMAGERY_ORIGIN": self.origin,
                "PROOFWATCH_IMAGERY_LOG_KEYS_FILE": str(keys),
                "PROOFWATCH_IMAGERY_FOLDER": str(pictures),
            },
            "privacy": {"PROOFWATCH_KEY_ENCRYPTION_KEYS": _KEYS},
        }
        self._dsns = {name: each["PROOFWATCH_POSTGRES_DSN"] for name, each in own.items()}
        self.processes = {
            name: ServiceProcess(name, {**env, **own[name], **given.get(name, {})}, folder) for name in NAMES
        }

    def close(self) -> None:
        """End all, whatever their state."""
        for each in self.processes.values():
            each.close()

    async def asked_for_a_picture(self, tenant: str, transaction: str) -> int:
        """Sign in at the broker, as its page does, and ask for what nobody gave to who asks; return the answer."""
        async with opened(self._dsns["people"], max_size=2) as pool:
            now = datetime.now(UTC)
            await PostgresRegister(pool).add("ada", [Role.ANALYST], [tenant], _BY, now)
            secret = await PostgresRegister(pool).enrol("ada", hashed(PASSWORD, "ada"), _BY, now)
        who = {"name": "ada", "password": PASSWORD, "code": code_at(secret, step_of(datetime.now(UTC)))}
        what = {"tenant": tenant, "case_id": "none", "transaction_id": transaction, "reason": "one face, two names"}
        address, headers = f"http://127.0.0.1:{self.port}/api", {"origin": self.origin}
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=_SECONDS) as page:
            signed_in = await page.post("/session", json=who)
            signed_in.raise_for_status()
            cookie = {"cookie": f"{COOKIE}={signed_in.cookies[COOKIE]}"}
            return (await page.post("/imagery/leases", json=what, headers=cookie)).status_code
