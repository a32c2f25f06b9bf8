"""Pictures in a store that speaks S3: signed (version 4), one try, no redirect, no more bytes than asked for."""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Self

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, SSLError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from services.imagery.core.location import Location
from services.imagery.ports import NotThere, StoreAway, StoreError, StoreRefused, TooLarge

_PIECE: Final = 262_144
_MISSING: Final = 404
_NOTHING: Final = frozenset({"NoSuchKey", "NoSuchBucket", "NotFound", "404", ""})
_BUSY: Final = 429
_REDIRECTED, _WRONG, _BROKEN = 300, 400, 500


@dataclass(frozen=True, slots=True)
class S3Settings:
    """One store: its name in tenants' settings, where it is, and with which keys. Times in seconds."""

    name: str
    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    connect_seconds: float = 2.0
    silent_seconds: float = 3.0
    """Between two pieces of an answer."""
    whole_seconds: float = 10.0
    """For the whole of it."""


class _Straight:
    """An HTTP session that goes where it is sent, once, and no further."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        # else aiohttp asks again by itself when a connection ends: one view would be two lines of the store's log
        self._session._retry_connection = False

    async def request(self, method: str, **options: Any) -> aiohttp.ClientResponse:
        """See `aiohttp.ClientSession.request`, which follows redirects where it is not told not to."""
        return await self._session.request(method, allow_redirects=False, **options)


class _WithoutRedirects(AIOHTTPSession):  # type: ignore[misc] # it comes without types
    async def _get_session(self, proxy_url: str | None) -> _Straight:
        return _Straight(await super()._get_session(proxy_url))


class S3Store:
    """A store to be entered (`async with`) before it is asked."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._open = AsyncExitStack()
        self._client: Any = None

    async def __aenter__(self) -> Self:
        given = self._settings
        config = AioConfig(
            http_session_cls=_WithoutRedirects,
            signature_version="s3v4",
            connect_timeout=given.connect_seconds,
            read_timeout=given.silent_seconds,
            retries={"total_max_attempts": 1},
            proxies={},  # what the environment says of proxies would see the pictures
            ignore_configured_endpoint_urls=True,
            s3={"addressing_style": "path"},
            response_checksum_validation="when_required",
            user_agent="proofwatch",
        )
        client = AioSession().create_client(
            "s3",
            region_name=given.region,
            endpoint_url=given.endpoint,
            aws_access_key_id=given.access_key,
            aws_secret_access_key=given.secret_key,
            config=config,
        )
        self._client = await self._open.enter_async_context(client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def fetch(self, location: Location, most_bytes: int) -> bytes:
        """See `ports.ImageryStore`."""
        name = self._settings.name
        try:
            async with asyncio.timeout(self._settings.whole_seconds):
                answer = await self._client.get_object(Bucket=location.bucket, Key=location.key)
                return await self._whole(answer, most_bytes)
        except ClientError as error:
            raise self._refusal(error.response) from None
        except TimeoutError:
            raise StoreAway(f"the store {name} was too slow") from None
        except SSLError:
            raise StoreRefused(f"the store {name} shows a certificate that is not trusted") from None
        except (HTTPClientError, NoConnection, ResponseParserError, aiohttp.ClientError, OSError) as error:
            raise StoreAway(f"the store {name} does not answer, or broke off: {type(error).__name__}") from None
        except BotoCoreError as error:
            raise StoreRefused(f"the store {name} cannot be asked for such a name: {type(error).__name__}") from None

    async def _whole(self, answer: dict[str, Any], most_bytes: int) -> bytes:
        announced: int | None = answer.get("ContentLength")
        body = answer["Body"]
        parts, size = [], 0
        try:
            if announced is not None and announced > most_bytes:
                raise self._too_large(most_bytes)
            while part := await body.read(min(_PIECE, most_bytes + 1 - size)):
                parts.append(part)
                size += len(part)
                if size > most_bytes:
                    raise self._too_large(most_bytes)
        finally:
            body.close()
        if announced is not None and announced != size:
            raise StoreAway(f"the store {self._settings.name} broke off")
        return b"".join(parts)

    def _too_large(self, most_bytes: int) -> TooLarge:
        return TooLarge(f"the object in the store {self._settings.name} has more than {most_bytes:,} bytes")

    def _refusal(self, response: Any) -> StoreError:
        """Return what an answer that is no success means; its words are shown only where they are a code."""
        name = self._settings.name
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        said = str(response.get("Error", {}).get("Code", ""))
        why = f"{status} {said}" if re.fullmatch("[A-Za-z]{1,64}", said) else str(status)
        if status == _MISSING and said in _NOTHING:  # versitygw also says 404 to a key of access that it does not know
            return NotThere(f"the store {name} has no such object ({why})")
        if _REDIRECTED <= status < _WRONG:
            return StoreRefused(f"the store {name} points elsewhere ({why}); redirects are not followed")
        if status >= _BROKEN or status == _BUSY or status < _REDIRECTED:
            return StoreAway(f"the store {name} is out of order ({why})")
        return StoreRefused(f"the store {name} does not give the object ({why}): look at its keys and rights")
