"""Webhooks: one signed POST for each delivery (Standard Webhooks 1.0.0)."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import Field, field_validator

from proofwatch.events.types import Notification
from services.notifier.adapters.channels.kind import InvalidChannel, Payload, SecretSettings
from services.notifier.core.delivery import Delivered, Failed, Outcome
from services.notifier.core.webhook_signature import InvalidSecret, Secret, parse_secrets, signed_headers

_AT_ONCE: Final = 16  # a receiver that was away is not run over when it comes back


class WebhookSettings(SecretSettings):
    """An HTTPS endpoint that gets signed requests.

    The secret is one or more `whsec_…`, separated by blanks, the newest first: all of them sign, so that a receiver
    can change over.
    """

    kind: Literal["webhook"]
    url: str
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


def open_webhook(settings: WebhookSettings, payload: Payload, environment: Mapping[str, str]) -> "WebhookChannel":
    """Return the channel, its secrets read. Raises `InvalidChannel`."""
    try:
        secrets = parse_secrets(settings.secret(environment))
    except InvalidSecret as error:
        msg = f"the secret in {settings.secret_place} {error}"
        raise InvalidChannel(msg) from error
    return WebhookChannel(settings.url, secrets, settings.timeout_seconds, payload)


class WebhookChannel:
    """Delivers by HTTP: any 2xx within the timeout is a success, everything else a failure."""

    def __init__(self, url: str, secrets: Sequence[Secret], timeout_s: float, payload: Payload) -> None:
        """All of `secrets` sign, so that a receiver can change from one to the next."""
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every URL, and receivers hide tokens in theirs
        self._url = url
        self._payload = payload
        self._secrets = tuple(secrets)
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False)

    async def deliver(self, notification: Notification, now_ms: int) -> Outcome:
        """Send the notification; its id is the webhook-id of every attempt."""
        content = self._payload(notification)
        headers = signed_headers(self._secrets, notification.notification_id, now_ms // 1000, content)
        headers |= {"content-type": "application/json", "user-agent": "proofwatch"}
        try:
            # httpx's timeout is for each read; this one is for the whole. The answer's body is never read.
            async with (
                self._free,
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", self._url, content=content, headers=headers) as response,
            ):
                status = response.status_code
        except (httpx.HTTPError, TimeoutError) as error:
            return Failed(type(error).__name__)  # the message would hold the URL
        return Delivered() if httpx.codes.is_success(status) else Failed(f"HTTP {status}")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
