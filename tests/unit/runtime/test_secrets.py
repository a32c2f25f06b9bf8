"""Secrets from variables and files: one of them, private, whole, and shown nowhere."""

import logging
import traceback
from pathlib import Path

import pytest

from proofwatch.runtime import secrets
from proofwatch.runtime.logging import withhold_requests
from proofwatch.runtime.secrets import InvalidSecretFile, read_secret, secret_of
from services.aggregator.config import Settings as AggregatorSettings
from services.notifier.config import Settings as NotifierSettings
from services.scorer.config import Settings as ScorerSettings
from services.triage.config import Settings as TriageSettings

HIDDEN = "hunter2-not-to-be-seen"
DSN = f"postgresql://proofwatch:{HIDDEN}@db.example:5432/proofwatch"


def secret_file(directory: Path, content: bytes, mode: int = 0o400) -> Path:
    path = directory / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b"s3cret\n\n", "s3cret\n"),
        (b" two words \n", " two words "),
        ("pässwort\n".encode(), "pässwort"),
    ],
)
def test_a_file_holds_the_secret_and_at_most_one_newline_after_it(tmp_path: Path, content: bytes, secret: str) -> None:
    """What editors and `kubectl create secret` add is taken off; blanks are part of a password."""
    assert read_secret(secret_file(tmp_path, content)) == secret


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (b"", 0o400, "is empty"),
        (b"\n", 0o400, "is empty"),
        (b"x\xff\xfe", 0o400, "UTF-8"),
        (b"x" * 70_000, 0o400, "at most 65,536 bytes"),
        (b"x\0y", 0o400, "is no secret"),
        (b"s3cret", 0o404, r"open to every user of this machine \(mode 0404\)"),
        (b"s3cret", 0o666, r"mode 0666"),
        (b"s3cret", 0o602, r"mode 0602"),
    ],
)
def test_a_file_that_holds_no_private_secret_is_refused(tmp_path: Path, content: bytes, mode: int, says: str) -> None:
    """One sentence with the path; never with what is in it."""
    path = secret_file(tmp_path, content, mode)
    with pytest.raises(InvalidSecretFile, match=says) as refused:
        read_secret(path)
    assert str(path) in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_path_that_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    """A missing file and a directory get one sentence each."""
    with pytest.raises(InvalidSecretFile, match="no such file or directory"):
        read_secret(tmp_path / "none")
    with pytest.raises(InvalidSecretFile, match="no regular file"):
        read_secret(tmp_path)


def test_what_an_orchestrator_mounts_may_be_readable_but_not_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker mounts secrets with mode 0444 below /run/secrets."""
    monkeypatch.setattr(secrets, "_MOUNTED", (tmp_path,))
    assert read_secret(secret_file(tmp_path, b"s3cret", 0o444)) == "s3cret"
    (tmp_path / "secret").chmod(0o646)
    with pytest.raises(InvalidSecretFile, match="mode 0646"):
        read_secret(tmp_path / "secret")


def test_variable_and_file_together_are_refused_and_empty_ones_are_unset(tmp_path: Path) -> None:
    """Nobody has to guess which of two counts."""
    path = str(secret_file(tmp_path, b"from the file\n"))
    assert secret_of("X", {"X_FILE": path}) == "from the file"
    assert secret_of("X", {"X": "", "X_FILE": path}) == "from the file"
    assert secret_of("X", {"X": "given", "X_FILE": ""}) == "given"
    assert secret_of("X", {"X": ""}) is None
    with pytest.raises(InvalidSecretFile, match="X and X_FILE are both given"):
        secret_of("X", {"X": "given", "X_FILE": path})


def test_every_secret_setting_can_be_given_as_a_file() -> None:
    """What holds a credential has a second name with the suffix _FILE."""
    every = frozenset[str]().union(
        *(each.variables() for each in (ScorerSettings, AggregatorSettings, TriageSettings, NotifierSettings))
    )
    assert {name for name in every if name.removesuffix("_FILE") in every and name.endswith("_FILE")} >= {
        "PROOFWATCH_POSTGRES_DSN_FILE",
        "PROOFWATCH_REDIS_URL_FILE",
        "PROOFWATCH_SCHEMA_REGISTRY_URL_FILE",
        "PROOFWATCH_LABEL_SAMPLE_KEY_FILE",
        "PROOFWATCH_SUBJECT_TAG_SECRET_FILE",
    }


def test_settings_read_secrets_from_files_and_show_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither repr nor str of the settings holds what the file holds."""
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN_FILE", str(secret_file(tmp_path, f"{DSN}\n".encode())))
    settings = TriageSettings.read()
    assert settings.postgres_dsn == DSN
    assert HIDDEN not in f"{settings!r} {settings} {settings!s}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROOFWATCH_POSTGRES_DSN", f"mysql://proofwatch:{HIDDEN}@db/proofwatch"),
        ("PROOFWATCH_POSTGRES_DSN", f"postgresql://proofwatch:{HIDDEN}/x@db:5432/proofwatch"),
        ("PROOFWATCH_POSTGRES_DSN", f"postgresql://proofwatch:12/{HIDDEN}@db:5432/proofwatch"),
        ("PROOFWATCH_POSTGRES_DSN", f"postgresql://proofwatch:{HIDDEN}#x@db:5432/proofwatch"),
        ("PROOFWATCH_POSTGRES_DSN", f"host=db password={HIDDEN}"),
        ("PROOFWATCH_REDIS_URL", f"http://:{HIDDEN}@cache:6379/0"),
        ("PROOFWATCH_REDIS_URL", f"redis://:{HIDDEN}@x@cache:6379/0"),
        ("PROOFWATCH_SCHEMA_REGISTRY_URL", f"registry:{HIDDEN}@registry:8081"),
        ("PROOFWATCH_LABEL_SAMPLE_KEY", HIDDEN[:9]),
    ],
)
def test_a_bad_secret_is_refused_without_being_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the variable; neither it nor the traceback holds the value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        ScorerSettings.read()
    said = capsys.readouterr().err
    assert said.startswith(f"{name}: ")
    assert said.count("\n") == 1
    trace = "".join(traceback.format_exception(ended.value))
    assert HIDDEN[:9] not in said + trace


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://postgres@/proofwatch?host=/tmp/pg",
        "postgresql://u:p%40ss@a.example:5432,b.example:5433/proofwatch?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgres://[::1]:5432/proofwatch",
        "postgresql:///proofwatch",
    ],
)
def test_every_form_of_a_dsn_is_taken(dsn: str) -> None:
    """Several hosts, sockets, IPv6."""
    assert TriageSettings(postgres_dsn=dsn).postgres_dsn == dsn


def test_findings_about_files_come_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two files that are wrong are two lines, each with its variable."""
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("PROOFWATCH_REDIS_URL_FILE", str(secret_file(tmp_path, b"redis://x", 0o644)))
    with pytest.raises(SystemExit, match="2"):
        TriageSettings.read()
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == ["PROOFWATCH_POSTGRES_DSN_FILE", "PROOFWATCH_REDIS_URL_FILE"]


def test_the_client_library_does_not_log_what_it_sends() -> None:
    """At level debug it would log every request, the one with the password among them."""
    withhold_requests()
    assert not logging.getLogger("aiokafka.conn").isEnabledFor(logging.INFO)
