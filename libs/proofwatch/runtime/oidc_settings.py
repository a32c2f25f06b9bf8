"""What whoever lets people in by a provider needs to know."""

from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from proofwatch.runtime.access_settings import AccessSettings

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def _issuer(given: str | None) -> str | None:
    if given is None:
        return None
    parts = urlsplit(given)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not secure or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be the issuer as the provider names it: https://id.example/realms/house, with TLS")
    return given


class OidcSettings(AccessSettings):
    """The settings of a service that people can sign in to by a provider (OpenID Connect)."""

    oidc_issuer: Annotated[str | None, AfterValidator(_issuer)] = None
    """As the provider's discovery document names it; None: people sign in with a password and a one-time code alone."""
    oidc_client_id: Annotated[str, Field(max_length=256)] | None = None
    """Under which the console is known to the provider; it sends people back to `…/sign-in/returned`."""
    oidc_client_secret: SecretStr | None = None
    """None: a public client, which PKCE alone protects."""
    oidc_scopes: Annotated[str, Field(pattern=r"^openid( [\x21-\x7e]+)*$")] = "openid profile"
    """What is asked for; many providers give a refresh token, which is needed, for `offline_access` alone."""
    oidc_claims_file: Path | None = None
    """Which groups give which roles and tenants, as YAML."""
    local_sign_in: bool = True
    """False: nobody signs in to the console by a password; only with a provider."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = (self.oidc_issuer, self.oidc_client_id, self.oidc_claims_file)
        if any(given) and not all(given):
            raise ValueError(
                "PROOFWATCH_OIDC_ISSUER, PROOFWATCH_OIDC_CLIENT_ID and PROOFWATCH_OIDC_CLAIMS_FILE go together: set "
                "all of them, or none"
            )
        if not self.local_sign_in and self.oidc_issuer is None:
            raise ValueError("PROOFWATCH_LOCAL_SIGN_IN=false needs a provider (PROOFWATCH_OIDC_ISSUER): nobody came in")
        return self
