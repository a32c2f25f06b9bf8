"""Settings that every process shares; read from the environment, checked before anything starts."""

import sys
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a process needs to know to start; each field is the environment variable PROOFWATCH_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="PROOFWATCH_", frozen=True, extra="ignore")

    kafka_bootstrap: str = "127.0.0.1:9092"
    postgres_dsn: str = "postgresql://postgres@127.0.0.1:5432/proofwatch"
    redis_url: str = "redis://127.0.0.1:6379/0"
    policy_file: Path | None = None
    schema_registry_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """Where the registry's API begins; None: plain JSON on every topic."""
    wire_format: Literal["json", "avro"] = "json"
    """What is written where a registry is configured; both are read."""
    instance_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    """Static group membership: stable per replica (a StatefulSet ordinal), unique among live processes."""
    health_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    batch_max_records: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    idle_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0
    """A lane without records hands its stage an idle batch this often."""
    live_progress: bool = True
    """False: time progress comes from the records alone (replays of old logs onto Kafka)."""
    dead_letter_rate_cap: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """A larger share of a partition's last 10,000 records as dead letters halts the service; 0: never."""
    dead_letter_run_cap: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000
    """So many dead letters in a row halt the service; 0: never."""

    @classmethod
    def read(cls) -> Self:
        """Read the environment; a bad value ends the process with one line per finding."""
        try:
            return cls()
        except ValidationError as error:
            for finding in error.errors(include_url=False):
                name = "PROOFWATCH_" + "_".join(str(part) for part in finding["loc"]).upper()
                sys.stderr.write(f"{name}: {finding['msg'][0].lower()}{finding['msg'][1:]}\n")
            raise SystemExit(2) from None
