"""How we prove to Kafka who we are, and how the way there is encrypted: made of the settings, here and nowhere else."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiokafka.abc import AbstractTokenProvider

from proofwatch.bus.errors import Refused
from proofwatch.bus.kafka.oauth import ClientCredentials, TokenFile
from proofwatch.bus.kafka.reconnect import limit_reconnects
from proofwatch.bus.kafka.tls import close_at_once
from proofwatch.runtime.kafka_settings import KafkaSettings
from proofwatch.runtime.secrets import InvalidSecretFile, check_private

_PREFIX: Final = "PROOFWATCH_KAFKA_"

close_at_once()
limit_reconnects()


@dataclass(frozen=True)
class Security:
    """One way to connect; `repr` shows nothing that is secret."""

    protocol: str = "PLAINTEXT"
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tokens: AbstractTokenProvider | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        """Return what every client of the library takes."""
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.tls:
            options["ssl_context"] = self.tls
        if self.mechanism:
            options["sasl_mechanism"] = self.mechanism
        if self.tokens:
            options["sasl_oauth_token_provider"] = self.tokens
        elif self.mechanism:
            options |= {"sasl_plain_username": self.username, "sasl_plain_password": self.password}
        return options


PLAINTEXT: Final = Security()


def security_of(settings: KafkaSettings) -> Security:
    """Return what the settings say. Raises `Refused` when a file that they name cannot be used."""
    protocol = settings.kafka_security_protocol
    password = settings.kafka_sasl_password
    return Security(
        protocol,
        settings.kafka_sasl_mechanism,
        settings.kafka_sasl_username,
        password.get_secret_value() if password else None,
        _tokens(settings),
        _tls(settings) if protocol in ("SSL", "SASL_SSL") else None,
    )


def _tokens(settings: KafkaSettings) -> AbstractTokenProvider | None:
    if settings.kafka_sasl_mechanism != "OAUTHBEARER":
        return None
    secret = settings.kafka_oauth_client_secret
    if settings.kafka_oauth_token_url and settings.kafka_oauth_client_id and secret:
        return ClientCredentials(
            settings.kafka_oauth_token_url,
            settings.kafka_oauth_client_id,
            secret.get_secret_value(),
            settings.kafka_oauth_scope,
        )
    assert settings.kafka_oauth_token_file is not None, "the settings were checked"
    return TokenFile(settings.kafka_oauth_token_file)


def _tls(settings: KafkaSettings) -> ssl.SSLContext:
    authority = settings.kafka_ssl_ca_file
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ValueError) as error:
        raise Refused(_unusable("SSL_CA_FILE", authority, "certificates as PEM", error)) from None
    certificate, key = settings.kafka_ssl_certificate_file, settings.kafka_ssl_key_file
    if certificate and key:
        password = settings.kafka_ssl_key_password
        try:
            check_private(key)
            certificate.read_bytes()
            # without a password OpenSSL would ask the terminal for one
            context.load_cert_chain(certificate, key, password.get_secret_value() if password else "")
        except InvalidSecretFile as error:
            raise Refused(f"{_PREFIX}SSL_KEY_FILE: {error}") from None
        except ssl.SSLError as error:
            hint = "is the password (…SSL_KEY_PASSWORD) right, and is this the key of the certificate?"
            raise Refused(_unusable("SSL_KEY_FILE", key, hint, error)) from None
        except OSError as error:
            raise Refused(_unusable("SSL_CERTIFICATE_FILE", certificate, "a certificate as PEM", error)) from None
    return context


def _unusable(setting: str, path: Path | None, right: str, error: Exception) -> str:
    said = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return f"{_PREFIX}{setting}: {path} cannot be used ({str(said).lower()}); {right}"
