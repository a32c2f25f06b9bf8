"""Before a broker that is away, one client probes for all; once one is connected, nobody waits."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from proofwatch.bus.kafka.reconnect import Address

NEVER_S = 3_600.0


class Broker:
    """Lets in whoever comes, or nobody; `hold` lets nobody have an answer yet."""

    def __init__(self) -> None:
        self.probes = 0
        self.away = False
        self.answer = asyncio.Event()
        self.answer.set()

    async def attempt(self) -> int:
        self.probes += 1
        probe = self.probes
        await self.answer.wait()
        if self.away:
            raise ConnectionRefusedError(111, "refused")
        return probe


async def everybody(address: Address, broker: Broker, count: int = 20) -> list[object]:
    return list(await asyncio.gather(*(address.connect(broker.attempt) for _ in range(count)), return_exceptions=True))


async def test_twenty_clients_of_a_broker_that_is_away_are_one_attempt() -> None:
    """What the one finds holds for all who stood there."""
    address, broker = Address(NEVER_S), Broker()
    broker.away = True
    found = await everybody(address, broker)
    assert broker.probes == 1
    assert sorted({type(each) for each in found}, key=str) == [ConnectionRefusedError, KafkaConnectionError]


async def test_whoever_comes_again_waits_for_the_pause() -> None:
    """Nobody tries meanwhile, however often they are told that it failed."""
    address, broker = Address(NEVER_S), Broker()
    broker.away = True
    await everybody(address, broker)
    waiting = asyncio.gather(*(address.connect(broker.attempt) for _ in range(20)), return_exceptions=True)
    for _ in range(100):
        await asyncio.sleep(0)
    assert broker.probes == 1
    waiting.cancel()


async def test_where_one_has_got_in_all_do() -> None:
    """Each with a connection of its own, at once."""
    address, broker = Address(NEVER_S), Broker()
    assert sorted(map(str, await everybody(address, broker))) == sorted(str(n) for n in range(1, 21))


async def test_after_the_pause_it_is_tried_again_and_the_broker_that_is_back_is_found() -> None:
    """The failure before is forgotten."""
    address, broker = Address(0.0), Broker()
    broker.away = True
    await everybody(address, broker)
    broker.away = False
    assert not [each for each in await everybody(address, broker) if isinstance(each, BaseException)]


async def test_a_connection_that_broke_makes_one_look_at_once() -> None:
    """The pause is between attempts that fail; nobody waits for it while the broker is there."""
    address, broker = Address(0.0), Broker()
    await everybody(address, broker, 1)
    address.suspect()
    broker.away = True
    await everybody(address, broker)
    assert broker.probes == 2


async def test_one_who_is_cancelled_while_he_knocks_leaves_it_to_the_next() -> None:
    """Or all others would wait for ever."""
    address, broker = Address(0.0), Broker()
    broker.answer.clear()
    first = asyncio.create_task(address.connect(broker.attempt))
    await asyncio.sleep(0)
    second = asyncio.create_task(address.connect(broker.attempt))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    broker.answer.set()
    assert await second == 2
