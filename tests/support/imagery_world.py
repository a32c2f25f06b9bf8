"""Imagery as an operator runs it: auditor and broker as processes, on Kafka, PostgreSQL and an S3-compatible store."""

import base64
import io
import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx
import yaml
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from PIL import Image

from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.passwords import hashed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.audit.note import SigningKey
from services.imagery.adapters.postgres import PostgresBroker
from services.imagery.api.routes import COOKIE
from services.imagery.core.facts import Flagged
from tests.support.processes import ServiceProcess, command
from tests.support.runner import free_port
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

TENANT: Final = "kestrel"
BUCKET: Final = "imagery"
PASSWORD: Final = "four unrelated words here"
_BY: Final = By(OPERATOR, "a test")
_SECONDS: Final = 60.0


class ImageryWorld:
    """Two processes, one analyst who is signed in, and as many flagged transactions with cases of hers as needed."""

    def __init__(self, bootstrap: str, dsn: str, s3: S3Server, folder: Path, endpoint: str | None = None) -> None:
        """`endpoint`: where the broker finds the store, if something stands between."""
        self.dsn, self.folder, self._s3 = dsn, folder, s3
        self.key = SigningKey.from_seed(f"audit.example/{uuid4().hex[:8]}", sha256(b"imagery").digest())
        self.port = free_port()
        self.origin = f"http://localhost:{self.port}"
        keys = folder / "log.pub"
        keys.write_text(f"{self.key.verifier.text()}\n")
        self._env = {
            "PROOFWATCH_KAFKA_BOOTSTRAP": bootstrap,
            "PROOFWATCH_POSTGRES_DSN": dsn,
            "PROOFWATCH_KEYRING_FILE": str(folder / "keyring.yaml"),
            "PROOFWATCH_GOVERNANCE_LEAD_SECONDS": "10",
        }
        self.auditor = ServiceProcess(
            "auditor",
            {
                **self._env,
                "PROOFWATCH_AUDIT_SIGNING_KEYS": self.key.text(),
                "PROOFWATCH_AUDIT_CHECKPOINTS_FILE": str(folder / "checkpoints.jsonl"),
            },
            folder,
        )
        self.broker = ServiceProcess(
            "imagery",
            {
                **self._env,
                "PROOFWATCH_SUBJECT_TAG_SECRET": base64.b64encode(bytes(range(32))).decode(),
                "PROOFWATCH_IMAGERY_PORT": str(self.port),
                "PROOFWATCH_IMAGERY_ORIGIN": self.origin,
                "PROOFWATCH_IMAGERY_LOG_KEYS_FILE": str(keys),
                "PROOFWATCH_IMAGERY_S3_ENDPOINT": endpoint or s3.endpoint,
                "PROOFWATCH_IMAGERY_S3_ACCESS_KEY": ACCESS_KEY,
                "PROOFWATCH_IMAGERY_S3_SECRET_KEY": SECRET_KEY,
                "PROOFWATCH_IMAGERY_VIEWS_A_DAY": "10000",
                "PROOFWATCH_IMAGERY_CONFIRM_MINUTES": "120",
                "PROOFWATCH_IMAGERY_LEASE_VIEWS": "20",
            },
            folder,
        )
        self.person_id, self.token = "", ""

    def govern(self) -> None:
        """Make topics and tables, and put the tenant's settings in force; it takes the ten seconds of their lead."""
        command("topics", "apply", "--replication", "1", env=self._env)
        command("migrate", env=self._env)
        people: list[Any] = []
        for name in ("ada", "bob"):
            said = command(
                "policy", "keygen", "--person", name, "--out", str(self.folder / f"{name}.key"), env=self._env
            )
            people += yaml.safe_load(said)["people"]
        (self.folder / "keyring.yaml").write_text(yaml.safe_dump({"people": people}))
        document = self.folder / "tenant.yaml"
        document.write_text(yaml.safe_dump({
            "tenant": TENANT,
            "contract": {"state": "active", "from": "2025-01-01"},
            "time_zone": "UTC",
            "segments": [],
            "imagery": {"store": "main", "bucket": BUCKET, "prefix": f"{TENANT}/"},
        }))  # fmt: skip
        digest = yaml.safe_load(command("tenant", "check", str(document), "--json", env=self._env))["hash"]
        for act, what, who in (
            ("propose", str(document), "ada"),
            ("approve", digest, "bob"),
            ("activate", digest, "ada"),
        ):
            command("tenant", act, what, "--key", str(self.folder / f"{who}.key"), "--yes", env=self._env)

    def start(self) -> None:
        """Start both processes, and wait until they are ready."""
        for each in (self.auditor, self.broker):
            each.start()
        for each in (self.auditor, self.broker):
            each.await_ready()

    def close(self) -> None:
        """End both, whatever their state."""
        self.broker.close()
        self.auditor.close()

    async def hire(self, pool: "asyncpg.Pool") -> None:
        """Add the analyst, and sign her in."""
        now = datetime.now(UTC)
        register = PostgresRegister(pool)
        self.person_id = await register.add("ada", [Role.ANALYST], [TENANT], _BY, now)
        secret = await register.enrol("ada", hashed(PASSWORD, "ada"), _BY, now)
        code = code_at(secret, step_of(now))
        self.token, _ = await PostgresPeople(pool).sign_in("ada", PASSWORD, code, now)

    async def case(self, pool: "asyncpg.Pool", transaction: str, picture: bytes) -> str:
        """Put a picture into the store, flag its transaction, and give its case to the analyst; return the case."""
        await self.put(f"{TENANT}/{transaction}", picture)
        now, case_id = datetime.now(UTC) - timedelta(seconds=1), f"case-{transaction}"
        tag = sha256(transaction.encode()).hexdigest()[:32]
        async with pool.acquire() as connection, connection.transaction():
            reference = f"s3://{BUCKET}/{TENANT}/{transaction}"
            flagged = Flagged(TENANT, transaction, tag, reference, sha256(picture).hexdigest(), None, now)
            await PostgresBroker(pool).flag(connection, [flagged])
            await connection.execute(
                """insert into triage.cases(case_id, tenant, kind, subject_tag, state, severity, queue, revision,
                opened_at, changed_at) values($1, $2, 'subject', $3, 'escalated', 'high', 'soc', 1, $4, $4)""",
                case_id, TENANT, tag, now,
            )  # fmt: skip
            await connection.execute(
                """insert into triage.case_reasons(case_id, source_id, source_revision, code, at, transaction_id,
                severity, evidence) values($1, $2, 1, 'device_velocity', $3, $2, 'medium', '{}')""",
                case_id, transaction, now,
            )  # fmt: skip
            await connection.execute(
                "insert into triage.assignments(case_id, person_id, assigned_at, assigned_by) values($1, $2, $3, $2)",
                case_id, self.person_id, now,
            )  # fmt: skip
        return case_id

    async def put(self, key: str, data: bytes) -> None:
        """Put an object into the store, as upstream does."""
        async with AioSession().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self._s3.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=AioConfig(retries={"total_max_attempts": 3}),
        ) as client:
            if BUCKET not in [each["Name"] for each in (await client.list_buckets())["Buckets"]]:
                await client.create_bucket(Bucket=BUCKET)
            await client.put_object(Bucket=BUCKET, Key=key, Body=data)

    def client(self) -> httpx.AsyncClient:
        """Give a client that asks as the page does."""
        headers = {"origin": self.origin, "cookie": f"{COOKIE}={self.token}"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}/api", headers=headers, timeout=_SECONDS)


async def lease(client: httpx.AsyncClient, case_id: str, transaction: str) -> str:
    """Ask for a lease; return its id. Raises `httpx.HTTPError`."""
    asked = {"tenant": TENANT, "case_id": case_id, "transaction_id": transaction, "reason": "one face, two names"}
    answer = await client.post("/imagery/leases", json=asked)
    answer.raise_for_status()
    found: str = answer.json()["lease_id"]
    return found


def a_photo(width: int = 1_280, height: int = 960) -> bytes:
    """Return a JPEG as large as a phone's selfie, of nobody: coarse noise, made smooth."""
    chance = random.Random(7)
    coarse = Image.frombytes("RGB", (40, 30), chance.randbytes(40 * 30 * 3))
    out = io.BytesIO()
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()
