"""What two people type, as they type it: each command in its own process, on a real Kafka, PostgreSQL and Redis."""

import asyncio
import base64
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from proofwatch.command_line.session_file import write_token
from tests.integration.privacy.broker import broker
from tests.integration.privacy.house import SECRET, Parts, Privacy, subject
from tests.support.kafka_broker import KafkaBroker
from tests.support.processes import environment
from tests.support.redis_server import RedisServer

WHOM: Final = subject("canary-typed-41ab")
_PROOFWATCH: Final = Path(sys.executable).with_name("proofwatch")


class Said(NamedTuple):
    """What a command ended with, and wrote."""

    code: int
    out: str
    err: str


class Desk:
    """A machine where both people sign in; what they type goes to a real process."""

    def __init__(self, privacy: Privacy, env: Mapping[str, str], folder: Path) -> None:
        self.privacy, self.env, self.folder = privacy, dict(env), folder
        self.pia, self.paul = str(folder / "pia.session"), str(folder / "paul.session")

    async def type(self, *arguments: str, piped: str = "", **env: str) -> Said:
        def run() -> Said:
            done = subprocess.run(
                [_PROOFWATCH, *arguments], env=environment(self.env | env), input=piped, capture_output=True,
                text=True, check=False, timeout=240,
            )  # fmt: skip
            assert WHOM.subject_ref not in done.stdout + done.stderr, "nobody is named"
            assert "Traceback" not in done.stderr
            return Said(done.returncode, done.stdout, done.stderr)

        return await asyncio.to_thread(run)


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaBroker]:
    with broker() as started:
        yield started


@pytest.fixture
async def desk(kafka: KafkaBroker, parts: Parts, postgres_dsn: str, redis_server: RedisServer, tmp_path: Path) -> Desk:
    privacy, client, _ = parts
    privacy.now = datetime.now(UTC) - timedelta(minutes=2)  # signed in before; the commands look at the clock
    await privacy.staffed()
    await privacy.lived(WHOM)
    await client.set(f"proofwatch:subject:g:acme/{WHOM.subject_ref}", "{}")
    env = {
        "PROOFWATCH_POSTGRES_DSN": postgres_dsn,
        "PROOFWATCH_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "PROOFWATCH_REDIS_URL": redis_server.url,
        "PROOFWATCH_SUBJECT_TAG_SECRET": base64.b64encode(SECRET).decode(),
        "PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE": str(tmp_path / "keys"),
    }
    made = Desk(privacy, env, tmp_path)
    write_token(Path(made.pia), privacy.tokens["pia"])
    write_token(Path(made.paul), privacy.tokens["paul"])
    return made


@pytest.mark.timeout(900)
async def test_two_people_hold_erase_and_look_at_the_command_line(desk: Desk) -> None:
    """The keys, a look, a hold that refuses, its end, a request, Redis away in between, the rest, and a scan."""

    async def typed(code: int, *arguments: str, piped: str = "", **env: str) -> Said:
        said = await desk.type(*arguments, piped=piped, **env)
        assert said.code == code, said
        return said

    who = ("acme", "-")
    as_pia, as_paul = ("--as", desk.pia), ("--as", desk.paul)
    why, by = ("--reason", "ticket 4711"), ("--by", "r.mehta")
    keys = desk.env["PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE"]
    said = await typed(2, "erase", "request", *who, *as_pia, *why, piped=WHOM.subject_ref)
    assert "PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE" in said.err
    said = await typed(0, "keys", "begin", keys)
    assert "has epoch 1" in said.out
    said = await typed(0, "erase", "request", *who, *as_pia, *why, "--dry-run", piped=WHOM.subject_ref)
    assert "would touch: transactions 1, cases 1" in said.out
    assert "Nothing was found of this person" not in said.out
    said = await typed(0, "erase", "request", *who, *as_pia, *why, "--dry-run", piped=WHOM.subject_ref.upper() + "-x")
    assert "Nothing was found of this person. If there should have been" in said.out
    assert said.out.endswith("nothing was changed\n")

    said = await typed(0, "hold", "place", *who, *as_pia, "--reason", "court order 12 C 7", piped=WHOM.subject_ref)
    assert "keeps this person's data until somebody else lifts it" in said.out
    said = await typed(1, "erase", "request", *who, *as_pia, *why, piped=WHOM.subject_ref)
    assert "a legal hold keeps this person's data: 'court order 12 C 7'" in said.err
    listed = await typed(0, "hold", "list", *as_paul)
    hold = listed.out.splitlines()[1].split()[0]
    assert f"proofwatch hold lift {hold}" in said.err
    said = await typed(1, "hold", "lift", hold, *as_pia, "--reason", "the proceedings have ended")
    assert "somebody else of the role privacy does" in said.err
    await typed(0, "hold", "lift", hold, *as_paul, "--reason", "the proceedings have ended")

    said = await typed(0, "erase", "request", *who, *as_pia, *why, piped=WHOM.subject_ref)
    erasure = said.out.split()[1]
    assert f"proofwatch erase approve {erasure} --as FILE" in said.out
    said = await typed(1, "erase", "approve", erasure, *as_pia)
    assert "who asked for an erasure does not approve it" in said.err
    said = await typed(1, "erase", "approve", "no-such", *as_paul)
    assert "`proofwatch erase list` shows those that there are" in said.err
    said = await typed(1, "erase", "approve", erasure, *as_paul, PROOFWATCH_REDIS_URL="redis://127.0.0.1:1/0")
    assert "Redis does not answer as it should (ConnectionError); see that PROOFWATCH_REDIS_URL is right" in said.err
    assert said.err.endswith(f"goes on with: proofwatch erase resume {erasure}\n")
    said = await typed(0, "erase", "list", *as_paul)
    assert said.out.splitlines()[1].split()[:6] == [erasure, "acme", "running", "5", "of", "7"]
    for _ in range(2):  # twice is as good as once
        said = await typed(0, "erase", "resume", erasure)
        assert f"erasure {erasure} is done. The last topic has forgotten by the end of 20" in said.out
    said = await typed(0, "erase", "list", "--all", *as_paul)
    assert said.out.splitlines()[1].split()[2:6] == ["done", "7", "of", "7"]
    said = await typed(0, "erase", "replay")
    assert said.out == "0 erasures were told again; the database knows all that were announced\n"

    said = await typed(1, "privacy", "scan", *who, *why, *by, piped=WHOM.subject_ref)
    places = {" ".join(line.split()[:2]).partition("/")[0] for line in said.out.splitlines()[1:]}
    assert places == {
        "topic onboarding.consents.v1", "topic onboarding.step-ups.v1", "topic onboarding.subjects.v1",
        "topic onboarding.transactions.v1",
    }, "what topics have until they have forgotten, and nothing else"  # fmt: skip
    said = await typed(0, "privacy", "scan", *who, *why, *by, piped="nobody-at-all-99")
    assert said.out == "nothing was found\n"
    said = await typed(2, "privacy", "scan", *who, *why, *by, piped="short")
    assert "at least 6 bytes" in said.err
    said = await typed(2, "privacy", "scan", *who, *why, *by, "--folder", "/no/such", piped=WHOM.subject_ref)
    assert said.err == "proofwatch privacy scan: /no/such is no folder\n"
