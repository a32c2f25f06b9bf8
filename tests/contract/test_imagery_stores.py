"""The one contract of stores of pictures, held by a folder and by a real S3 server; then what each has of its own."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from services.imagery.adapters.folder_store import FolderStore
from services.imagery.adapters.s3_store import S3Settings, S3Store
from services.imagery.core.location import Location
from services.imagery.ports import ImageryStore, NotThere, StoreAway, StoreError, StoreRefused, TooLarge
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY, S3Server, native_s3

MOST = 100_000
PICTURE = bytes(range(256)) * 100
BUCKET = "harbour-imagery"
_OWNERS = AioSession()  # one for all: what S3 offers is read once


@dataclass
class World:
    """A store with what puts things into it, and what takes it away."""

    store: ImageryStore
    put: Callable[[str, str, bytes], Awaitable[None]]
    take_away: Callable[[], object]

    async def fetch(self, key: str, bucket: str = BUCKET, most: int = MOST) -> bytes:
        return await self.store.fetch(Location("main", bucket, key), most)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    server = native_s3()
    yield server
    server.close()


def settings(s3: S3Server, **changes: object) -> S3Settings:
    given = S3Settings("main", s3.endpoint, ACCESS_KEY, SECRET_KEY, silent_seconds=1, whole_seconds=3)
    return replace(given, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def owner(s3: S3Server) -> AsyncIterator[Callable[[str, str, bytes], Awaitable[None]]]:
    """What upstream does: make buckets and put objects, by the same protocol."""
    async with _OWNERS.create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=s3.endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=AioConfig(retries={"total_max_attempts": 1}),
    ) as client:

        async def put(bucket: str, key: str, data: bytes) -> None:
            if bucket not in [each["Name"] for each in (await client.list_buckets())["Buckets"]]:
                await client.create_bucket(Bucket=bucket)
            await client.put_object(Bucket=bucket, Key=key, Body=data)

        yield put


@pytest.fixture(params=["folder", "s3"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as opened:
        if request.param == "folder":
            root = tmp_path / "imagery"
            root.mkdir()
            yield World(FolderStore("main", root), writer(root), lambda: root.rename(tmp_path / "gone"))
            return
        s3: S3Server = request.getfixturevalue("s3")
        put = await opened.enter_async_context(owner(s3))
        store = await opened.enter_async_context(S3Store(settings(s3)))
        yield World(store, put, s3.kill)
        if not s3.alive():
            s3.start()


def writer(root: Path) -> Callable[[str, str, bytes], Awaitable[None]]:
    async def put(bucket: str, key: str, data: bytes) -> None:
        path = root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return put


@pytest.mark.parametrize("size", [0, 1, MOST - 1, MOST])
async def test_it_gives_what_was_put_there(world: World, size: int) -> None:
    """Whole, up to the last byte allowed."""
    data = (PICTURE * 5)[:size]
    await world.put(BUCKET, f"proofs/2026/t-{size}", data)
    assert await world.fetch(f"proofs/2026/t-{size}") == data


async def test_one_byte_more_than_allowed_is_none(world: World) -> None:
    """And a thousand times as many cost no memory."""
    await world.put(BUCKET, "large", bytes(MOST + 1))
    with pytest.raises(TooLarge, match="more than 100,000 bytes"):
        await world.fetch("large")
    await world.put(BUCKET, "huge", bytes(MOST * 1_000))
    with pytest.raises(TooLarge):
        await world.fetch("huge")
    await world.put(BUCKET, "small", b"after it, the store still answers")
    assert await world.fetch("small")


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        (BUCKET, "nothing"),
        (BUCKET, "no/such/folder"),
        (BUCKET, "there/below"),
        (BUCKET, "a-folder"),
        ("no-such", "key"),
    ],
)
async def test_what_is_not_there_is_not_there(world: World, bucket: str, key: str) -> None:
    """Object, folder or bucket; and a message that does not repeat the key, for it may name a person."""
    await world.put(BUCKET, "there", PICTURE)
    await world.put(BUCKET, "a-folder/there", PICTURE)
    with pytest.raises(NotThere) as caught:
        await world.fetch(key, bucket)
    assert key not in str(caught.value)
    assert "main" in str(caught.value)


async def test_names_are_taken_as_they_are(world: World) -> None:
    """No decoding, no wildcard: only the object of exactly this name."""
    await world.put(BUCKET, "a=b/c@d,e+f:g-h_i.j", PICTURE)
    assert await world.fetch("a=b/c@d,e+f:g-h_i.j") == PICTURE
    for key in ("a%3Db/c@d,e+f:g-h_i.j", "a=b/*", "a=b/c@d,e f:g-h_i.j"):
        with pytest.raises(NotThere):
            await world.fetch(key)


@pytest.mark.parametrize("key", ["../other/secret", "proofs/../../other/secret", "proofs/./../secret"])
async def test_nothing_is_given_by_way_of_dots(world: World, key: str) -> None:
    """`locate` lets no such key through; whoever forgets to ask it gets nothing either."""
    await world.put(BUCKET, "proofs/there", PICTURE)
    await world.put("other", "secret", b"of another tenant")
    with pytest.raises(StoreError):
        await world.fetch(key)


async def test_many_at_once_get_each_their_own(world: World) -> None:
    """Fifty at a time."""
    for number in range(50):
        await world.put(BUCKET, f"many/{number}", str(number).encode() * 1_000)
    found = await asyncio.gather(*(world.fetch(f"many/{number}") for number in range(50)))
    assert found == [str(number).encode() * 1_000 for number in range(50)]


async def test_a_store_that_is_gone_is_away(world: World) -> None:
    """Which is another thing than an object that is not there."""
    await world.put(BUCKET, "there", PICTURE)
    world.take_away()
    with pytest.raises(StoreAway, match="main"):
        await world.fetch("there")


# a folder of its own


@pytest.mark.parametrize("where", ["file", "folder", "bucket"])
async def test_a_folder_follows_no_link(tmp_path: Path, where: str) -> None:
    """Wherever on the way, and whether it leads out or in."""
    outside = tmp_path / "outside"
    await writer(tmp_path)("outside", "proofs/t-1", b"somebody's")
    root = tmp_path / "imagery"
    place = {"file": root / BUCKET / "proofs/t-1", "folder": root / BUCKET / "proofs", "bucket": root / BUCKET}[where]
    place.parent.mkdir(parents=True)
    place.symlink_to({"file": outside / "proofs/t-1", "folder": outside / "proofs", "bucket": outside}[where])
    with pytest.raises(StoreRefused, match="links are not followed"):
        await FolderStore("main", root).fetch(Location("main", BUCKET, "proofs/t-1"), MOST)


async def test_a_folder_gives_files_alone(tmp_path: Path) -> None:
    """A pipe would have us wait for ever, a device give us bytes for ever."""
    (tmp_path / BUCKET).mkdir()
    os.mkfifo(tmp_path / BUCKET / "pipe")
    with pytest.raises(StoreRefused, match="no file"):
        await asyncio.wait_for(FolderStore("main", tmp_path).fetch(Location("main", BUCKET, "pipe"), MOST), 5)


@pytest.mark.parametrize("key", ["/etc/hostname", "a//b", "", "a/\x00"])
async def test_a_folder_is_not_left_by_a_strange_key(tmp_path: Path, key: str) -> None:
    """Whoever asked without `locate`."""
    with pytest.raises(StoreRefused, match="outside"):
        await FolderStore("main", tmp_path).fetch(Location("main", BUCKET, key), MOST)


async def test_a_folder_leaves_no_descriptor_open(tmp_path: Path) -> None:
    """After success and after each kind of failure."""
    await writer(tmp_path)(BUCKET, "a/b/there", PICTURE)
    store = FolderStore("main", tmp_path)
    await store.fetch(Location("main", BUCKET, "a/b/there"), MOST)
    before = descriptors()
    for key in ("a/b/there", "a/b", "a/none/x", "a/b/there/below", "none"):
        for most in (MOST, 1):
            with suppress(StoreError):
                await store.fetch(Location("main", BUCKET, key), most)
    assert descriptors() == before


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# S3 of its own


async def fetched(given: S3Settings, key: str = "there") -> bytes:
    async with S3Store(given) as store:
        return await store.fetch(Location("main", BUCKET, key), MOST)


@pytest.fixture
async def there(s3: S3Server) -> S3Server:
    """The server, with an object in it."""
    async with owner(s3) as put:
        await put(BUCKET, "there", PICTURE)
    return s3


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"secret_key": "wrong"}, "SignatureDoesNotMatch"), ({"access_key": "nobody"}, "InvalidAccessKeyId|UserNotFound")],
)
async def test_wrong_keys_are_a_matter_for_an_operator(
    there: S3Server, changes: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said with what the store calls it, and no key in it; keys that lie about in the environment are not taken."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    given = settings(there, **changes)
    with pytest.raises(StoreRefused, match=code) as caught:
        await fetched(given)
    assert given.secret_key not in str(caught.value) + repr(given)
    assert given.access_key not in str(caught.value) + repr(given)


async def test_what_the_environment_says_of_the_way_is_not_minded(
    there: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a proxy nor another address: pictures would pass there."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await fetched(settings(there)) == PICTURE


@dataclass
class Way:
    """A way to the server on which bytes are let through as `act` says: after so many, wait or break off."""

    port: int
    connections: int = 0


@asynccontextmanager
async def answering(answer: bytes, *, then_wait: bool = False) -> AsyncIterator[Way]:
    """A server that gives every request this answer, whatever it is."""
    way = Way(0)

    async def serve(reader: asyncio.StreamReader, writer_: asyncio.StreamWriter) -> None:
        way.connections += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer_.write(answer)
            await writer_.drain()
            if then_wait:
                await asyncio.sleep(30)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer_.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    async with server:
        yield way


@asynccontextmanager
async def through(s3: S3Server, most: int, *, then_wait: bool) -> AsyncIterator[Way]:
    """The real server behind a way that lets so many bytes of its answer through, then waits or breaks off."""
    way = Way(0)
    held: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer_: asyncio.StreamWriter) -> None:
        way.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", s3.port)
        try:
            far_writer.write(await reader.readuntil(b"\r\n\r\n"))
            left = most
            while left and (data := await far_reader.read(left)):
                writer_.write(data)
                await writer_.drain()
                left -= len(data)
            if then_wait:
                await asyncio.Event().wait()  # for ever: whoever asks has to give up
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            far_writer.close()
            writer_.close()

    def accept(reader: asyncio.StreamReader, writer_: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer_))
        held.add(task)
        task.add_done_callback(held.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    async with server:
        yield way
        for task in list(held):
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


@pytest.mark.parametrize("after", [0, 100, 2_000, 20_000])
@pytest.mark.parametrize("then_wait", [False, True], ids=["cut", "slow"])
async def test_half_an_answer_is_none(there: S3Server, after: int, then_wait: bool) -> None:
    """Cut off, or stalled for ever, at any place: away, after one try."""
    async with through(there, after, then_wait=then_wait) as way:
        with pytest.raises(StoreAway):
            await fetched(settings(there, endpoint=f"http://127.0.0.1:{way.port}"))
        assert way.connections == 1


async def test_a_store_that_drips_is_too_slow(there: S3Server) -> None:
    """Each piece in time, the whole not: there is a time for the whole, too."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"

    async def serve(reader: asyncio.StreamReader, writer_: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer_.write(head)
        try:
            for _ in range(100):
                writer_.write(b"x")
                await writer_.drain()
                await asyncio.sleep(0.1)
        except OSError:
            pass
        finally:
            writer_.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(StoreAway, match="too slow"):
            await fetched(settings(there, endpoint=address, whole_seconds=1.0))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_and_nobody_else_asked(there: S3Server, status: int) -> None:
    """What stands in it is a place that somebody else has chosen: inside our network, perhaps."""
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret") as other:
        elsewhere = f"http://127.0.0.1:{other.port}/latest/meta-data"
        body = b"<Error><Code>PermanentRedirect</Code><Endpoint>127.0.0.1:%d</Endpoint></Error>" % other.port
        head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {elsewhere}\r\nx-amz-bucket-region: eu-west-1\r\n"
        answer = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        async with answering(answer) as way:
            with pytest.raises(StoreRefused, match="redirects are not followed"):
                await fetched(settings(there, endpoint=f"http://127.0.0.1:{way.port}"))
        assert other.connections == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", StoreAway),
        (b"HTTP/1.1 503 SlowDown\r\nContent-Length: 0\r\n\r\n", StoreAway),
        (b"HTTP/1.1 429 Many\r\nContent-Length: 0\r\n\r\n", StoreAway),
        (b"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n", StoreRefused),
        (b"HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\n<html>", (StoreRefused, StoreAway)),
        (b"HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n", NotThere),
        (b"SSH-2.0-OpenSSH_9.2\r\n", StoreAway),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", TooLarge),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1ffff\r\n" + bytes(0x1FFFF) + b"\r\n0\r\n\r\n",
            TooLarge,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", StoreAway),
    ],
)
async def test_every_other_answer_has_its_name(
    there: S3Server, answer: bytes, error: type[Exception] | tuple[type[Exception], ...]
) -> None:
    """Of a store that is ill, or of something that is no store at all."""
    async with answering(answer) as way:
        with pytest.raises(error):
            await fetched(settings(there, endpoint=f"http://127.0.0.1:{way.port}"))
