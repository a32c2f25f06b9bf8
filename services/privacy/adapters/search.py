"""Looking for somebody in everything: tables, topics, Redis, folders. What is found is counted by its place.

What could not be searched is said: that nothing was found is worth no more than what was looked through.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from proofwatch.bus.errors import BusUnavailable, UnknownTopic
from proofwatch.bus.port import Bus
from proofwatch.bus.records import TopicPartition
from proofwatch.events.topics import TopicSpec
from services.privacy.core.needles import Needle, matches
from services.privacy.core.unpacking import layers

if TYPE_CHECKING:
    import asyncpg
    from redis.asyncio import Redis

Advance = Callable[[int, int | None], None]
_TABLES: Final = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and not c.relispartition
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1, 2"""
_AT_ONCE: Final = 500
_CHUNK: Final = 64 * 1024 * 1024
_OVERLAP: Final = 4 * 1024
_WHOLE: Final = 512 * 1024 * 1024
"""Files up to this size are unpacked; larger ones are read in pieces, as they are."""


class Search:
    """What was found and what could not be searched; `add` looks through bytes."""

    def __init__(self, wanted: Sequence[Needle]) -> None:
        self._wanted = wanted
        self.found: Counter[tuple[str, str, str]] = Counter()
        """By place, what, and how it was written there."""
        self.unsearched: list[str] = []

    def add(self, place: str, data: bytes | None) -> None:
        """Look through some bytes, and what is packed in them."""
        if not data:
            return
        seen = set[tuple[str, str]]()
        for layer in layers(data):
            if not layer.whole:
                self.missed(f"{place}: something {layer.how} was too large, or too deep, to look through")
            for needle in matches(layer.body, self._wanted):
                seen.add((needle.what, f"{needle.how} {f'in {layer.how}' if layer.how else ''}".strip()))
        for what, how in seen:
            self.found[place, what, how] += 1

    def missed(self, sentence: str) -> None:
        """Note once what could not be searched."""
        if sentence not in self.unsearched:
            self.unsearched.append(sentence)


async def search_tables(search: Search, pool: "asyncpg.Pool", advance: Advance) -> None:
    """Look through every row of every table that there is in the database, column by column."""
    async with pool.acquire() as connection:
        tables = [tuple(row) for row in await connection.fetch(_TABLES)]
        for done, (schema, table) in enumerate(tables):
            advance(done, len(tables))
            try:
                async with connection.transaction(readonly=True):
                    async for row in connection.cursor(f'select * from "{schema}"."{table}"', prefetch=_AT_ONCE):  # noqa: S608 - names of the catalogue
                        for column, value in row.items():
                            for part in _parts(value):
                                search.add(f"table {schema}.{table}.{column}", part)
            except Exception as error:  # noqa: BLE001 - whatever keeps it from being read is said
                search.missed(f"table {schema}.{table} cannot be read ({type(error).__name__})")
        advance(len(tables), len(tables))


async def search_topics(search: Search, bus: Bus, specs: Iterable[TopicSpec], advance: Advance) -> None:
    """Look through every record of every topic of ours: key, value, headers; clients unpack batches."""
    specs = list(specs)
    for done, spec in enumerate(specs):
        advance(done, len(specs))
        try:
            ends = await bus.ends(spec.name)
            for partition in sorted(each for each, end in ends.items() if end):
                async for record in bus.read(TopicPartition(spec.name, partition)):
                    place = f"topic {spec.name}/{partition}"
                    search.add(f"{place} key", record.key)
                    search.add(f"{place} value", record.value)
                    for name, value in record.headers:
                        search.add(f"{place} header {name}", value)
        except (BusUnavailable, UnknownTopic) as error:
            search.missed(f"topic {spec.name} cannot be read: {error}")
    advance(len(specs), len(specs))


async def search_redis(search: Search, client: "Redis", advance: Advance) -> None:
    """Look through every key and its value, of whatever type."""
    total = await client.dbsize()
    done = 0
    async for key in client.scan_iter(count=_AT_ONCE):
        done += 1
        advance(done, max(done, total))
        search.add("redis key", key)
        for part in await _values(client, key):
            search.add("redis value", part)


def search_folder(search: Search, folder: Path, advance: Advance) -> None:
    """Look through every file below a folder, and the names of all."""
    paths = sorted(path for path in folder.rglob("*") if not path.is_symlink())
    for done, path in enumerate(paths):
        advance(done, len(paths))
        place = f"file {path}"
        search.add("name of a file", str(path.relative_to(folder)).encode("utf-8", "surrogateescape"))
        if not path.is_file():
            continue
        try:
            if path.stat().st_size <= _WHOLE:
                search.add(place, path.read_bytes())
            else:
                search.missed(
                    f"{place} is larger than {_WHOLE // 1024**2} MiB: it was looked through, and not unpacked"
                )
                _pieces(search, place, path)
        except OSError as error:
            search.missed(f"{place} cannot be read: {(error.strerror or 'refused').lower()}")
    advance(len(paths), len(paths))


def _pieces(search: Search, place: str, path: Path) -> None:
    before = b""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            search.add(place, before + piece)
            before = piece[-_OVERLAP:]


async def _values(client: Any, key: bytes) -> list[bytes]:
    kind = await client.type(key)
    if kind == b"string":
        return [await client.get(key) or b""]
    if kind == b"hash":
        return [part for pair in (await client.hgetall(key)).items() for part in pair]
    if kind == b"stream":
        return [part for _, fields in await client.xrange(key) for pair in fields.items() for part in pair]
    read = {b"list": client.lrange, b"zset": client.zrange}.get(kind)
    return list(await read(key, 0, -1) if read else await client.smembers(key)) if kind != b"none" else []


def _parts(value: Any) -> Iterable[bytes]:
    """Return a value of a column as bytes: text and bytes as they are, anything else as it is written."""
    if value is None:
        return ()
    if isinstance(value, bytes):
        return (value,)
    if isinstance(value, list | tuple):
        return [part for each in value for part in _parts(each)]
    return (str(value).encode("utf-8", "surrogateescape"),)
