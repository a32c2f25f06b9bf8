"""Connections to a Kafka that asks who you are: every way in works, and every wrong one is one sentence."""

import asyncio
import base64
import http.server
import json
import re
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus
from uuid import uuid4

import pytest
import structlog
import uvloop

from proofwatch.bus.errors import BusUnavailable, Refused
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.security import security_of
from proofwatch.bus.kafka.topic_setup import ensure_topics
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events.topics import POSITIONS
from proofwatch.runtime.settings import Settings
from services.cli import main
from tests.contract.worlds import Spec
from tests.support.certificates import Authority
from tests.support.kafka_secured import PASSWORD, PLAIN_USER, SecuredBroker

USER = "ada"
WRONG = "not-her-password-4711"
OAUTH_USER, OAUTH_SECRET = USER, "s3cr:t of+the client"


@pytest.fixture(scope="module")
def secured(secured_broker: SecuredBroker) -> SecuredBroker:
    """The broker, with a user whose password is known, and the topic of positions, which no owner does without."""
    secured_broker.add_users([USER])
    asyncio.run(ensure_topics(secured_broker.broker.bootstrap, [Spec(POSITIONS, 1, {})]))
    return secured_broker


def over(secured: SecuredBroker, protocol: str, listener: str | None = None, **more: Any) -> Settings:
    """Return settings for a listener, by default the one that speaks the protocol."""
    given: dict[str, Any] = {"kafka_security_protocol": protocol}
    given["kafka_bootstrap"] = secured.addresses.get(listener or protocol, secured.broker.bootstrap)
    if protocol.startswith("SASL"):
        given |= {"kafka_sasl_mechanism": "SCRAM-SHA-256"}
        if more.get("kafka_sasl_mechanism") != "OAUTHBEARER":
            given |= {"kafka_sasl_username": USER, "kafka_sasl_password": PASSWORD}
    if protocol.endswith("SSL"):
        given |= {"kafka_ssl_ca_file": secured.authority.file}
    return Settings(**given | more)


async def travels(settings: Settings) -> None:
    """Publish, read, commit: every kind of client that there is connects with these settings."""
    topic = f"secured-{uuid4().hex[:8]}"
    security = security_of(settings)
    created = await ensure_topics(settings.kafka_bootstrap, [Spec(topic, 1, {})], security=security)
    assert created.created == (topic,)
    bus, at = KafkaBus.of(settings, "test"), TopicPartition(topic, 0)
    await bus.start()
    try:
        await bus.publish([Outgoing(topic, b"k", b"v", 0)])
        assert [record.value async for record in bus.read(at)] == [b"v"]
        assert await bus.ends(topic) == {0: 1}
        tail = bus.tail((topic,))
        await tail.start()
        assert [record.value for _, record in (await tail.catch_up(60)).records] == [b"v"]
        await tail.stop()
        await commits(bus, at)
    finally:
        await bus.stop()


async def commits(bus: KafkaBus, at: TopicPartition) -> None:
    """Fence a partition and ask for its position; on a new broker the coordinator comes a little later."""
    async with asyncio.timeout(60):
        while True:
            owner = await bus.fence(f"group-{at.topic}").acquire(at)
            try:
                assert await owner.position() is None
            except BusUnavailable:
                await asyncio.sleep(0.2)
            else:
                return
            finally:
                await owner.close()


async def refused(settings: Settings) -> str:
    """Return the sentence with which the start ends; it is one line, and holds no password."""
    bus = KafkaBus.of(settings, "test")
    with pytest.raises(Refused) as error:
        await bus.start()
    await asyncio.sleep(0.1)  # connections that were let go of are closed on a later turn of the loop
    sentence = str(error.value)
    assert "\n" not in sentence
    trace = "".join(traceback.format_exception(error.value))
    assert not [secret for secret in (PASSWORD, WRONG, OAUTH_SECRET) if secret in trace + repr(settings) + repr(bus)]
    return sentence


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
async def test_a_user_with_a_password_is_let_in(secured: SecuredBroker, protocol: str, mechanism: str) -> None:
    """Each mechanism, encrypted and not."""
    user = PLAIN_USER if mechanism == "PLAIN" else USER
    await travels(over(secured, protocol, kafka_sasl_mechanism=mechanism, kafka_sasl_username=user))


def test_a_tls_connection_with_an_answer_on_its_way_is_let_go_at_once(secured: SecuredBroker) -> None:
    """On the event loop of the services, where closing would wait for the broker; every reader ends like this."""

    async def read() -> None:
        bus, at = KafkaBus.of(over(secured, "SASL_SSL"), "test"), TopicPartition(topic, 0)
        await bus.start()
        await bus.publish([Outgoing(topic, b"k", b"v", 0)])
        assert [record.value async for record in bus.read(at)] == [b"v"]
        await bus.stop()

    topic = secured.broker.create_topic(f"closing-{uuid4().hex[:8]}")
    with structlog.testing.capture_logs() as logged:
        uvloop.run(read())
    assert [entry["event"] for entry in logged if entry["event"] == "client_not_stopped"] == []


async def test_a_certificate_is_let_in(secured: SecuredBroker) -> None:
    """Mutual TLS, the key encrypted; the user is the certificate's subject."""
    issued = secured.authority.issue(USER, password="of the key")
    given = {"kafka_ssl_certificate_file": issued.certificate, "kafka_ssl_key_file": issued.key}
    await travels(over(secured, "SSL", "MUTUAL", **given, kafka_ssl_key_password="of the key"))
    for password in ("another", None):
        settings = over(secured, "SSL", "MUTUAL", **given, kafka_ssl_key_password=password)
        with pytest.raises(Refused, match=r"PROOFWATCH_KAFKA_SSL_KEY_FILE: .*\.key cannot be used"):
            KafkaBus.of(settings, "test")
    assert "PROOFWATCH_KAFKA_SSL_CERTIFICATE_FILE" in await refused(over(secured, "SSL", "MUTUAL"))


async def test_a_token_from_a_file_is_let_in_and_read_anew(secured: SecuredBroker, tmp_path: Path) -> None:
    """OAUTHBEARER; a refused token and a missing file are told apart."""
    file = tmp_path / "token"
    settings = over(secured, "SASL_SSL", kafka_sasl_mechanism="OAUTHBEARER", kafka_oauth_token_file=file)
    assert "PROOFWATCH_KAFKA_OAUTH_TOKEN_FILE" in await refused(settings)
    file.write_text("no token\n")
    file.chmod(0o600)
    assert "refused the token" in await refused(settings)
    file.write_text(f"{token(USER)}\n")
    await travels(settings)


async def test_a_token_from_an_endpoint_is_let_in(secured: SecuredBroker, token_endpoint: "type[Endpoint]") -> None:
    """Client credentials; one request serves all connections, and a wrong secret is named as such."""
    given = {
        "kafka_sasl_mechanism": "OAUTHBEARER",
        "kafka_oauth_token_url": token_endpoint.url,
        "kafka_oauth_client_id": OAUTH_USER,
    }
    await travels(over(secured, "SASL_SSL", **given, kafka_oauth_client_secret=OAUTH_SECRET))
    assert token_endpoint.asked == 2, "once for the topics, once for the bus"
    wrong = await refused(over(secured, "SASL_SSL", **given, kafka_oauth_client_secret=WRONG))
    assert "is the client secret right?" in wrong


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
async def test_a_wrong_password_is_named_and_not_shown(secured: SecuredBroker, mechanism: str) -> None:
    """Which user, where, and that it is about credentials; an unknown user reads the same."""
    for user in (USER, "nobody-knows"):
        given = {"kafka_sasl_mechanism": mechanism, "kafka_sasl_username": user, "kafka_sasl_password": WRONG}
        sentence = await refused(over(secured, "SASL_SSL", **given))
        assert sentence.startswith(f"Kafka at {secured.addresses['SASL_SSL']} refused the user '{user}': ")


@pytest.mark.parametrize(
    ("listener", "protocol", "says"),
    [
        ("SASL_SSL", "PLAINTEXT", "speaks TLS"),
        ("SASL_SSL", "SASL_PLAINTEXT", "speaks TLS; .* right may be SASL_SSL"),
        ("SASL_SSL", "SSL", "asks for a user .*SCRAM-SHA-256.* right may be SASL_SSL"),
        ("SASL_PLAINTEXT", "PLAINTEXT", "asks for a user .* right may be SASL_PLAINTEXT"),
        ("SASL_PLAINTEXT", "SSL", "speaks no TLS"),
        ("SASL_PLAINTEXT", "SASL_SSL", "speaks no TLS; .* right may be SASL_PLAINTEXT"),
        ("PLAINTEXT", "SSL", "speaks no TLS"),
        ("PLAINTEXT", "SASL_SSL", "speaks no TLS"),
        ("PLAINTEXT", "SASL_PLAINTEXT", "asks for no user; .* right may be PLAINTEXT"),
        ("MUTUAL", "PLAINTEXT", "speaks TLS"),
    ],
)
async def test_a_wrong_protocol_is_one_sentence(
    secured: SecuredBroker, listener: str, protocol: str, says: str
) -> None:
    """Nothing hangs: the sentence says what the port speaks and which value may be right."""
    sentence = await refused(over(secured, protocol, listener))
    assert f"PROOFWATCH_KAFKA_SECURITY_PROTOCOL is {protocol}" in sentence
    assert re.search(says, sentence), sentence


async def test_a_certificate_that_is_not_trusted_is_refused(secured: SecuredBroker, tmp_path: Path) -> None:
    """By whom it is signed and for which host are both verified; so nobody in between is believed."""
    for authority in (None, Authority(tmp_path, "another").file):
        assert "is not trusted" in await refused(over(secured, "SASL_SSL", kafka_ssl_ca_file=authority))
    elsewhere = secured.addresses["SASL_SSL"].replace("127.0.0.1", "localhost")
    assert "localhost" in await refused(over(secured, "SASL_SSL", kafka_bootstrap=elsewhere))
    with pytest.raises(Refused, match=r"PROOFWATCH_KAFKA_SSL_CA_FILE: .* cannot be used"):
        KafkaBus.of(over(secured, "SASL_SSL", kafka_ssl_ca_file=tmp_path / "none.pem"), "test")


async def test_a_broker_that_is_away_is_no_refusal() -> None:
    """Retrying helps there, and changing a setting does not."""
    with pytest.raises(BusUnavailable, match=r"does not answer at 127\.0\.0\.1:1") as error:
        await KafkaBus("127.0.0.1:1", "test").start()
    assert not isinstance(error.value, Refused)


@pytest.mark.parametrize(
    "command",
    [
        ("topics", "apply"),
        ("dlq", "list"),
        ("explain", "tx-1", "--tenant", "acme", "--by", "me", "--reason", "a test"),
        ("control", "list"),
        ("backtest", "--tenant", "acme", "--by", "me"),
    ],
)
def test_commands_take_the_same_settings(
    secured: SecuredBroker,
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A command with a wrong password ends with 1 and the sentence that a service logs; no traceback."""
    file = tmp_path / "password"
    file.write_text(f"{WRONG}\n")
    file.chmod(0o600)
    for name, value in secured.environment(USER, file).items():
        monkeypatch.setenv(name, value)
    more = ("--policy", "0" * 32, "--over", "topic") if command[0] == "backtest" else ()
    assert main([*command, *more]) in (1, 2)
    said = capsys.readouterr().err
    assert f"refused the user '{USER}'" in said
    assert "Traceback" not in said
    assert WRONG not in said


def token(subject: str) -> str:
    """Return an unsecured JWT, which the broker of the test takes."""

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = time.time()
    return f"{part({'alg': 'none'})}.{part({'sub': subject, 'iat': now, 'exp': now + 3600})}."


class Endpoint(http.server.BaseHTTPRequestHandler):
    """A token endpoint that knows one client."""

    url = ""
    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        user, _, secret = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        right = (unquote_plus(user), unquote_plus(secret)) == (OAUTH_USER, OAUTH_SECRET)
        granted = right and "grant_type=client_credentials" in form
        body = json.dumps({"access_token": token(user), "expires_in": 3600} if granted else {"error": "x"}).encode()
        self.send_response(200 if granted else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def token_endpoint() -> Iterator[type[Endpoint]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Endpoint.url, Endpoint.asked = f"http://127.0.0.1:{server.server_address[1]}/token", 0
    yield Endpoint
    server.shutdown()
    server.server_close()
