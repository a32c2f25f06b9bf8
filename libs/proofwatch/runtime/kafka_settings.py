"""Settings of the connections to Kafka: where the brokers are, who we say we are, and how it is encrypted."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from proofwatch.runtime.variables import PREFIX

_TLS: Final = ("SSL", "SASL_SSL")
_SASL: Final = ("SASL_PLAINTEXT", "SASL_SSL")
_WITH_PASSWORD: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def _upper(given: object) -> object:
    return given.upper() if isinstance(given, str) else given


class KafkaSettings(BaseSettings):
    """Every client of Kafka, of services and commands, is made from these (`proofwatch.bus.kafka.security`)."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], BeforeValidator(_upper)
    ] = "PLAINTEXT"
    """What the listener of the brokers speaks; TLS always verifies certificate and host name."""
    kafka_sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None, BeforeValidator(_upper)
    ] = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_oauth_token_file: Path | None = None
    """A token that somebody else renews; read anew for every connection."""
    kafka_oauth_token_url: Annotated[str, Field(pattern=r"^https?://[^@]+$")] | None = None
    """Where a token is asked for with client id and secret (OAuth 2.0 client credentials, RFC 6749 section 4.4)."""
    kafka_oauth_client_id: str | None = None
    kafka_oauth_client_secret: SecretStr | None = None
    kafka_oauth_scope: str | None = None
    kafka_ssl_ca_file: Path | None = None
    """Who signs the brokers' certificates, PEM; None: whom this machine trusts."""
    kafka_ssl_certificate_file: Path | None = None
    """Our own certificate for mutual TLS, PEM, with its chain."""
    kafka_ssl_key_file: Path | None = None
    kafka_ssl_key_password: SecretStr | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse halves, and what would be ignored: a password that is given means that somebody thinks it counts."""
        protocol, mechanism = self.kafka_security_protocol, self.kafka_sasl_mechanism
        ignored = [] if protocol in _TLS else self._given("kafka_ssl_")
        ignored += [] if protocol in _SASL else self._given("kafka_sasl_")
        ignored += [] if protocol in _SASL and mechanism == "OAUTHBEARER" else self._given("kafka_oauth_")
        if ignored and (protocol not in _SASL or mechanism is not None):
            under = f"PROOFWATCH_KAFKA_SECURITY_PROTOCOL={protocol}"
            under += f" and PROOFWATCH_KAFKA_SASL_MECHANISM={mechanism}" if protocol in _SASL else ""
            raise ValueError(f"{ignored[0]} has no effect with {under}; change that, or leave it out")
        if missing := [name for name, value in self._needed().items() if value is None]:
            raise ValueError(f"{missing[0]} is missing: {protocol}{f' with {mechanism}' if mechanism else ''} needs it")
        return self

    def _given(self, prefix: str) -> list[str]:
        return [
            _variable(name)
            for name in type(self).model_fields
            if name.startswith(prefix) and getattr(self, name) is not None
        ]

    def _needed(self) -> dict[str, object]:
        names: list[str] = []
        if self.kafka_security_protocol in _SASL:
            names.append("kafka_sasl_mechanism")
        if self.kafka_sasl_mechanism in _WITH_PASSWORD:
            names += ["kafka_sasl_username", "kafka_sasl_password"]
        if self.kafka_sasl_mechanism == "OAUTHBEARER":
            if self.kafka_oauth_token_url is None:
                names.append("kafka_oauth_token_file")
            else:
                names += ["kafka_oauth_client_id", "kafka_oauth_client_secret"]
        if self.kafka_ssl_certificate_file or self.kafka_ssl_key_file or self.kafka_ssl_key_password:
            names += ["kafka_ssl_certificate_file", "kafka_ssl_key_file"]
        return {_variable(name): getattr(self, name) for name in names}


def _variable(name: str) -> str:
    return PREFIX + name.upper()
