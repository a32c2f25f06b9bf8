"""PostgreSQL and Redis with TLS: certificate and host name are verified, and what is wrong is said in one sentence."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from redis.asyncio import Redis

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.postgres.pool import create_pool
from services.scorer.adapters.redis import RedisSubjects
from services.scorer.ports import SubjectsUnavailable
from tests.support.certificates import Authority
from tests.support.redis_server import RedisServer, secured_redis
from tests.support.tls_postgres import tls_postgres

PASSWORD = "only-the-cache-knows"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def cache(authority: Authority) -> Iterator[RedisServer]:
    server = secured_redis(authority.issue("cache", address="127.0.0.1"), authority, PASSWORD)
    yield server
    server.close()


async def test_postgresql_is_verified_by_certificate_and_name(
    postgres_dsn: str, authority: Authority, tmp_path: Path
) -> None:
    """sslmode=verify-full with sslrootcert; another authority, another name and no TLS at all are refused."""
    parts = urlsplit(postgres_dsn)
    socket = Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432"
    stranger = Authority(tmp_path, "stranger")
    async with tls_postgres(socket, authority.issue("database", address="127.0.0.1")) as place:
        dsn = f"postgresql://postgres@{place}{parts.path}?sslmode=verify-full&sslrootcert="
        pool = await create_pool(f"{dsn}{authority.file}", max_size=1)
        async with pool.acquire() as connection:
            assert await connection.fetchval("select 1") == 1
        await pool.close()
        with pytest.raises(BusUnavailable, match="does not speak TLS as asked: check sslmode, sslrootcert"):
            await create_pool(f"{dsn}{stranger.file}", max_size=1)
        with pytest.raises(BusUnavailable, match="check sslmode, sslrootcert and the host name"):
            await create_pool(f"{dsn}{authority.file}".replace("127.0.0.1", "localhost"), max_size=1)
    async with tls_postgres(socket, None) as place:
        dsn = f"postgresql://postgres@{place}{parts.path}?sslmode=verify-full&sslrootcert={authority.file}"
        with pytest.raises(BusUnavailable, match="does not speak TLS as asked"):
            await create_pool(dsn, max_size=1)


async def pinged(url: str) -> str | None:
    """Return what stops the scorer's start; None: nothing."""
    subjects, said = RedisSubjects(Redis.from_url(url), 60), None
    try:
        await subjects.ping()
    except SubjectsUnavailable as error:
        said = str(error)
    finally:
        await subjects.close()
    assert PASSWORD not in str(said)
    return said


async def test_redis_is_verified_and_refusals_are_told_apart(
    cache: RedisServer, authority: Authority, tmp_path: Path
) -> None:
    """rediss:// with ssl_ca_certs; a wrong password, an unknown authority, another name and plain text."""
    assert await pinged(cache.url) is None
    password = "refuses the user or the password of PROOFWATCH_REDIS_URL"
    assert password in (await pinged(cache.url.replace(PASSWORD, "wrong")) or "")
    assert password in (await pinged(cache.url.replace(f":{PASSWORD}@", "")) or "")
    stranger, tls = Authority(tmp_path, "stranger"), "its certificate is not trusted"
    assert tls in (await pinged(cache.url.replace(str(authority.file), str(stranger.file))) or "")
    assert tls in (await pinged(cache.url.replace("127.0.0.1", "localhost")) or "")
    assert "Redis does not" in (await pinged(cache.url.replace("rediss://", "redis://").partition("?")[0]) or "")
