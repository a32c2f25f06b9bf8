"""Webhooks: one signed POST for each delivery (Standard Webhooks 1.0.0)."""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, field_validator, model_validator

from proofwatch.events.types import Notification
from services.notifier.adapters.addresses import (
    NotPublic,
    goes_through_proxy,
    is_local_name,
    is_public,
    literal,
    public_address,
)
from services.notifier.adapters.channels.kind import InvalidChannel, Payload, SecretSettings
from services.notifier.core.delivery import Delivered, Failed, Outcome
from services.notifier.core.webhook_signature import InvalidSecret, Secret, parse_secrets, signed_headers

_NEVER_TAKEN: Final = frozenset({400, 413, 415, 422})
_GONE: Final = Failed("HTTP 410: the receiver wants nothing more", for_good=True)
_DIGITS: Final = 8
_AT_ONCE: Final = 16  # a receiver that was away is not run over when it comes back


class WebhookSettings(SecretSettings):
    """An HTTPS endpoint that gets signed requests.

    The secret is one or more `whsec_…`, separated by blanks, the newest first: all of them sign, so that a receiver
    can change over.
    """

    kind: Literal["webhook"]
    url: str
    private: bool = False
    """Whether the receiver may be at an address of a private network, or of this machine."""
    timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 10.0

    @field_validator("url")
    @classmethod
    def _plain_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = "must be an http or https URL"
            raise ValueError(msg)
        if parts.username or parts.password or parts.fragment:
            msg = "must carry no credentials and no fragment; requests are signed instead"
            raise ValueError(msg)
        return url

    @model_validator(mode="after")
    def _public(self) -> Self:
        host = urlsplit(self.url).hostname or ""
        address = literal(host)
        if not self.private and (is_local_name(host) if address is None else not is_public(address)):
            msg = "url leads into a private network; if the receiver is there, say private: true"
            raise ValueError(msg)
        return self


def open_webhook(settings: WebhookSettings, payload: Payload, environment: Mapping[str, str]) -> "WebhookChannel":
    """Return the channel, its secrets read. Raises `InvalidChannel`."""
    try:
        secrets = parse_secrets(settings.secret(environment))
    except InvalidSecret as error:
        msg = f"the secret in {settings.secret_place} {error}"
        raise InvalidChannel(msg) from error
    return WebhookChannel(settings.url, secrets, settings.timeout_seconds, payload, private=settings.private)


class WebhookChannel:
    """Delivers by HTTP: any 2xx within the timeout is a success; what else is said, `core.delivery.Failed` has.

    410 ends it until the service starts anew: the receiver wants nothing more. What a receiver can never take (400,
    413, 415, 422) is given up at once; everything else may pass, and is tried again, not before `Retry-After`.
    """

    def __init__(
        self, url: str, secrets: Sequence[Secret], timeout_s: float, payload: Payload, *, private: bool = False
    ) -> None:
        """All of `secrets` sign, so that a receiver can change from one to the next."""
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every URL, and receivers hide tokens in theirs
        self._url = httpx.URL(url)
        self._payload = payload
        self._secrets = tuple(secrets)
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False)
        self._anywhere = private or goes_through_proxy(self._url.scheme, self._url.host)
        self._gone = False

    async def deliver(self, notification: Notification, now_ms: int) -> Outcome:
        """Send the notification; its id is the webhook-id of every attempt."""
        if self._gone:
            return _GONE
        content = self._payload(notification)
        headers = signed_headers(self._secrets, notification.notification_id, now_ms // 1000, content)
        headers |= {"content-type": "application/json", "user-agent": "proofwatch"}
        try:
            # httpx's timeout is for each read; this one is for the whole. The answer's body is never read.
            async with self._free, asyncio.timeout(self._timeout_s):
                url, host = await self._where()
                headers |= {"host": host}
                named: dict[str, Any] = {"sni_hostname": self._url.host}
                async with self._client.stream(
                    "POST", url, content=content, headers=headers, extensions=named
                ) as response:
                    status, wait = response.status_code, response.headers.get("retry-after", "")
        except NotPublic as error:
            return Failed(str(error))
        except OSError as error:
            return Failed("no address" if isinstance(error, socket.gaierror) else type(error).__name__)
        except httpx.HTTPError as error:
            return Failed(type(error).__name__)  # the message would hold the URL
        self._gone = status == httpx.codes.GONE
        return _outcome(status, wait, now_ms)

    async def _where(self) -> tuple[httpx.URL, str]:
        """Return what to connect to, and what the receiver is called there: the address that was looked at."""
        host = self._url.netloc.decode("ascii")
        if self._anywhere:
            return self._url, host
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        return self._url.copy_with(host=await public_address(self._url.host, port)), host

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _outcome(status: int, wait: str, now_ms: int) -> Outcome:
    if httpx.codes.is_success(status):
        return Delivered()
    if status == httpx.codes.GONE:
        return _GONE
    return Failed(f"HTTP {status}", for_good=status in _NEVER_TAKEN, wait_s=_seconds(wait, now_ms))


def _seconds(wait: str, now_ms: int) -> float:
    """Return what `Retry-After` asks for (RFC 9110 section 10.2.3): seconds, or a date; 0 for anything else."""
    if wait.isascii() and wait.isdigit() and len(wait) < _DIGITS:
        return float(wait)
    try:
        return max(0.0, parsedate_to_datetime(wait).timestamp() - now_ms / 1000)
    except (ValueError, TypeError, OverflowError):
        return 0.0
