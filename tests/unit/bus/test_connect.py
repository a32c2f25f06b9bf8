"""What a service runs on is opened in one order, and nothing stays open when a step fails."""

from typing import Any

import pytest

from proofwatch.bus import connect
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres import pool as postgres_pool
from proofwatch.bus.postgres import schema as postgres_schema
from proofwatch.runtime.service import Service
from proofwatch.runtime.settings import Settings

STEPS = ["wire", "pool", "schema", "of", "build", "bus"]
EVERY_STEP = [(True, step) for step in STEPS] + [(False, step) for step in STEPS if step not in ("pool", "schema")]


class Ground:
    """Stand-ins for everything that is opened; one step of it fails."""

    def __init__(self, fails: str | None = None) -> None:
        self.fails = fails
        self.opened: list[str] = []
        self.closed: list[str] = []

    def _step(self, name: str) -> None:
        if name == self.fails:
            raise RuntimeError(f"{name} fails")

    async def open_(self, name: str) -> "Thing":
        self._step(name)
        self.opened.append(name)
        return Thing(self, name)

    async def wire(self, *_: Any, **__: Any) -> "Thing":
        return await self.open_("wire")

    async def pool(self, *_: Any, **__: Any) -> "Thing":
        return await self.open_("pool")

    async def schema(self, *_: Any, **__: Any) -> None:
        self._step("schema")

    def of(self, *_: Any) -> "Thing":
        self._step("of")
        return Thing(self, "bus")

    def build(self, *given: Any) -> Service:
        self._step("build")
        self.opened.append("part")
        return Service("a service", [Thing(self, "part")])


class Thing:
    """A connection, or a part of the service."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.ground, self.name = ground, name

    async def start(self) -> None:
        await self.ground.open_(self.name)

    async def stop(self) -> None:
        self.ground.closed.append(self.name)

    close = stop

    async def step(self, *, idle: bool = False) -> int:
        return 0

    async def run(self) -> None: ...

    def unready(self) -> list[str]:
        return []


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Ground:
    made = Ground()
    monkeypatch.setattr(connect, "connect_wire", made.wire)
    monkeypatch.setattr(postgres_pool, "create_pool", made.pool)
    monkeypatch.setattr(postgres_schema, "check_schema", made.schema)
    monkeypatch.setattr(KafkaBus, "of", made.of)
    return made


async def opened(ground: Ground, *, postgres: bool) -> Service:
    settings = Settings(postgres_dsn="postgresql://nowhere")
    if postgres:
        return await connect.on_kafka_and_postgres(settings, "a service", ground.build, schema="a_schema")
    return await connect.on_kafka(settings, "a service", ground.build)


@pytest.mark.parametrize(("postgres", "fails"), EVERY_STEP)
async def test_whatever_step_fails_nothing_stays_open(ground: Ground, postgres: bool, fails: str) -> None:
    """Each fails once; what was opened before it is closed, the newest first, and its own error is what is raised."""
    ground.fails = fails
    with pytest.raises(RuntimeError, match=f"{fails} fails"):
        await opened(ground, postgres=postgres)
    still = [name for name in ground.opened if name not in ground.closed]
    assert still == []
    assert [name for name in ground.closed if name in ground.opened] == ground.opened[::-1]


@pytest.mark.parametrize("postgres", [False, True])
async def test_a_service_that_stops_closes_all_of_it(ground: Ground, postgres: bool) -> None:
    """Its parts first, then Kafka, PostgreSQL and the wire; also where one of them cannot be closed."""
    service = await opened(ground, postgres=postgres)
    assert ground.closed == []
    await service.stop()
    assert ground.closed == (["part", "bus", "pool", "wire"] if postgres else ["part", "bus", "wire"])


async def test_a_part_that_does_not_stop_keeps_nothing_open(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are stopped and the connections closed; then its error is raised."""
    service = await opened(ground, postgres=True)

    async def sticks() -> None:
        raise RuntimeError("it sticks")

    monkeypatch.setattr(service.parts[0], "stop", sticks)
    with pytest.raises(RuntimeError, match="it sticks"):
        await service.stop()
    assert ground.closed == ["bus", "pool", "wire"]


async def test_a_bus_that_never_started_can_be_stopped() -> None:
    """It is when the service cannot be built."""
    await KafkaBus("localhost:1", "nobody").stop()
