"""Webhooks: one signed POST for each delivery (Standard Webhooks 1.0.0)."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import httpx

from proofwatch.events.types import Notification
from services.notifier.core.delivery import Delivered, Failed, Outcome
from services.notifier.core.payload import body
from services.notifier.core.signature import Secret, signed_headers

_AT_ONCE: Final = 16  # a receiver that was away is not run over when it comes back


class WebhookChannel:
    """Delivers by HTTP: any 2xx within the timeout is a success, everything else a failure."""

    def __init__(self, url: str, secrets: Sequence[Secret], timeout_s: float) -> None:
        """All of `secrets` sign, so that a receiver can change from one to the next."""
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every URL, and receivers hide tokens in theirs
        self._url = url
        self._secrets = tuple(secrets)
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False)

    async def deliver(self, notification: Notification, now_ms: int) -> Outcome:
        """Send the notification; its id is the webhook-id of every attempt."""
        content = body(notification)
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
