"""Settings that every process shares; read from the environment, checked before anything starts."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from proofwatch.runtime.addresses import postgres_address, redis_address, registry_address
from proofwatch.runtime.kafka_settings import KafkaSettings
from proofwatch.runtime.secrets import SUFFIX, InvalidSecretFile, is_secret, secret_of
from proofwatch.runtime.variables import PREFIX, unknown


def _lower(given: object) -> object:
    return given.lower() if isinstance(given, str) else given


class Settings(KafkaSettings):
    """What a process needs to know to start; each field is the environment variable PROOFWATCH_<FIELD>.

    A variable that is set to nothing is unset. A secret may also be given as a file: PROOFWATCH_<FIELD>_FILE. Secrets
    that are not `SecretStr` have `repr=False`, so that neither shows them.
    """

    postgres_dsn: Annotated[str, Field(repr=False), AfterValidator(postgres_address)] = (
        "postgresql://postgres@127.0.0.1:5432/proofwatch"
    )
    redis_url: Annotated[str, Field(repr=False), AfterValidator(redis_address)] = "redis://127.0.0.1:6379/0"
    policy_file: Path | None = None
    partitions_file: Path | None = None
    """Partition counts as YAML, `topic: count`; read by `proofwatch topics`. None: those of the manifests."""
    schema_registry_url: Annotated[str | None, Field(repr=False), AfterValidator(registry_address)] = None
    """Where the registry's API begins; None: plain JSON on every topic."""
    wire_format: Literal["json", "avro"] = "json"
    """What is written where a registry is configured; both are read."""
    instance_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    """Static group membership: stable per replica (a StatefulSet ordinal), unique among live processes."""
    health_host: str = "0.0.0.0"  # noqa: S104 — probed from outside the container
    """The address that /live, /ready and /metrics bind to."""
    health_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    batch_max_records: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    idle_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """A lane without records hands its stage an idle batch this often; None: every second, or every five where
    nothing waits for it."""
    live_progress: bool = True
    """False: time progress comes from the records alone (replays of old logs onto Kafka)."""
    time_ahead_seconds: Annotated[int, Field(ge=10, le=86_400)] = 600
    """A record whose timestamp is further ahead of the clock than this is refused, and moves no time; the same for
    every process."""
    accept_new_topics: Annotated[str, Field(pattern=r"^([^=,]+=[A-Za-z0-9_-]{22}(,[^=,]+=[A-Za-z0-9_-]{22})*)?$")] = ""
    """Topics that were deleted and made anew, and may be read from the beginning: name=id, separated by commas."""
    dead_letter_rate_cap: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """A larger share of a partition's last 10,000 records as dead letters halts the service; 0: never."""
    dead_letter_run_cap: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000
    """So many dead letters in a row halt the service; 0: never."""
    dead_letter_cap_scope: Literal["tenant", "process"] = "tenant"
    """tenant: one that exceeds a cap is told of and halts nobody; process: whoever exceeds it, the service halts."""

    @classmethod
    def read(cls) -> Self:
        """Read the environment; a bad value ends the process with one line per finding."""
        given, findings = cls._secrets_from_files()
        findings += unknown(os.environ)
        if not findings:
            try:
                return cls(**given)
            except ValidationError as error:
                findings = [_said(finding) for finding in error.errors(include_url=False, include_input=False)]
        sys.stderr.write("".join(f"{finding}\n" for finding in findings))
        raise SystemExit(2)

    @classmethod
    def variables(cls) -> frozenset[str]:
        """Return the names of the variables that this class reads."""
        names = {PREFIX + name.upper(): field for name, field in cls.model_fields.items()}
        return frozenset(names) | {name + SUFFIX for name, field in names.items() if is_secret(field)}

    @classmethod
    def _secrets_from_files(cls) -> tuple[dict[str, Any], list[str]]:
        given: dict[str, Any] = {}
        findings: list[str] = []
        for name, field in cls.model_fields.items():
            variable = PREFIX + name.upper()
            if is_secret(field) and os.environ.get(variable + SUFFIX):
                try:
                    given[name] = secret_of(variable, os.environ)
                except InvalidSecretFile as error:
                    findings.append(str(error))
        return given, findings


def _said(finding: Any) -> str:
    said: str = finding["msg"].removeprefix("Value error, ")
    if not finding["loc"]:  # it is about several, and names them
        return said
    return f"{PREFIX}{str(finding['loc'][0]).upper()}: {said[0].lower()}{said[1:]}"
