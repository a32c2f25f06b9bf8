"""A bus for as long as one command works with it."""

import argparse

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.wording import plain
from proofwatch.runtime.settings import Settings


async def act_on_kafka(name: str, settings: Settings, args: argparse.Namespace) -> int:
    """Call the sub-command with the bus and its arguments; return its exit code. Raises `BusError`."""
    from aiokafka.errors import KafkaError  # the driver belongs to the Kafka extra; --help works without it

    from proofwatch.bus.kafka.bus import KafkaBus

    bus = KafkaBus.of(settings, name, bootstrap=args.bootstrap)
    await bus.start()
    try:
        return int(await args.act(bus, args))
    except KafkaError as error:
        raise BusUnavailable(f"Kafka at {args.bootstrap or settings.kafka_bootstrap}: {plain(error)}") from error
    finally:
        await bus.stop()
