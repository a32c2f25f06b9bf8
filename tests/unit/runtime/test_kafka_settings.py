"""Settings of the connections to Kafka are whole, or the start ends with one line that names what is missing."""

import ast
from pathlib import Path

import pytest

from proofwatch.bus.kafka.security import security_of
from proofwatch.runtime.settings import Settings

PASSWORD = "not-to-be-seen"
USER = {"KAFKA_SASL_USERNAME": "ada", "KAFKA_SASL_PASSWORD": PASSWORD}
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "PROOFWATCH_KAFKA_SECURITY_PROTOCOL: input should be 'PLAINTEXT', 'SSL'"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "PROOFWATCH_KAFKA_SASL_MECHANISM is missing: SASL_SSL needs it"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "GSSAPI"},
            "PROOFWATCH_KAFKA_SASL_MECHANISM: ",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN"},
            "PROOFWATCH_KAFKA_SASL_USERNAME is missing: SASL_SSL with PLAIN needs it",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "ada"},
            "PROOFWATCH_KAFKA_SASL_PASSWORD is missing",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "OAUTHBEARER"},
            "PROOFWATCH_KAFKA_OAUTH_TOKEN_FILE is missing",
        ),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_MECHANISM": "OAUTHBEARER",
                "KAFKA_OAUTH_TOKEN_URL": "https://login.example/token",
            },
            "PROOFWATCH_KAFKA_OAUTH_CLIENT_ID is missing",
        ),
        (USER, "has no effect with PROOFWATCH_KAFKA_SECURITY_PROTOCOL=PLAINTEXT"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", **USER},
            "has no effect with PROOFWATCH_KAFKA_SECURITY_PROTOCOL=SSL",
        ),
        ({"KAFKA_SSL_CA_FILE": "/etc/ca.pem"}, "PROOFWATCH_KAFKA_SSL_CA_FILE has no effect"),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_MECHANISM": "PLAIN",
                **USER,
                "KAFKA_OAUTH_TOKEN_FILE": "/t",
            },
            "PROOFWATCH_KAFKA_OAUTH_TOKEN_FILE has no effect",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CERTIFICATE_FILE": "/etc/c.pem"},
            "PROOFWATCH_KAFKA_SSL_KEY_FILE is missing",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_KEY_PASSWORD": PASSWORD},
            "PROOFWATCH_KAFKA_SSL_CERTIFICATE_FILE is missing",
        ),
    ],
)
def test_halves_and_what_would_be_ignored_are_refused(
    given: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A password that somebody gave is never left out in silence, and never shown."""
    for name, value in given.items():
        monkeypatch.setenv(f"PROOFWATCH_{name}", value)
    with pytest.raises(SystemExit, match="2"):
        Settings.read()
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert PASSWORD not in said


def test_values_are_taken_in_any_case_and_nothing_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sasl_plaintext` and `scram-sha-512` are what they are elsewhere."""
    given = {"KAFKA_SECURITY_PROTOCOL": "sasl_plaintext", "KAFKA_SASL_MECHANISM": "scram-sha-512", **USER}
    for name, value in given.items():
        monkeypatch.setenv(f"PROOFWATCH_{name}", value)
    settings = Settings.read()
    security = security_of(settings)
    assert security.options() == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ada",
        "sasl_plain_password": PASSWORD,
    }
    assert PASSWORD not in repr(settings) + repr(security)


def test_every_client_is_made_with_the_options_of_its_connection() -> None:
    """Nothing builds a client of the library by itself, so that no setting can be forgotten for one of them."""
    made, by_hand = 0, []
    for path in [*(ROOT / "libs").rglob("*.py"), *(ROOT / "services").rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id.startswith("AIOKafka"):
                made += 1
                starred = [ast.unparse(each.value) for each in call.keywords if each.arg is None]
                if not any("options" in each for each in starred):
                    by_hand.append(f"{path}:{call.lineno}")
            if isinstance(call, ast.Call) and ast.unparse(call).startswith("KafkaBus("):
                by_hand += [] if "security=" in ast.unparse(call) else [f"{path}:{call.lineno}"]
    assert made >= 6
    assert by_hand == []
