"""The Faust app whose consumer reads committed records only, from where the fence stands."""

from collections.abc import Mapping
from typing import Any, Final, cast

import faust
from aiokafka import TopicPartition as Place
from faust.app.base import BootStrategy
from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.transport.drivers import aiokafka as driver
from faust.types.auth import CredentialsT

from proofwatch.bus.kafka.client import CHECK_MS
from proofwatch.bus.kafka.membership import Membership
from proofwatch.bus.kafka.reader import last_look
from proofwatch.bus.kafka.security import Security, security_of
from proofwatch.bus.port import Look
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.runtime.settings import Settings
from services.aggregator.adapters.fenced_lanes import FencedLanes

_FETCH_BYTES: Final = 16 * 1024 * 1024


def credentials(security: Security) -> CredentialsT | None:
    """Return in Faust's words how we connect; None: in plain text, as nobody."""
    if security.tokens:
        return OAuthCredentials(oauth_cb=security.tokens, ssl_context=security.tls)
    if security.mechanism:
        return SASLCredentials(
            username=security.username,
            password=security.password,
            ssl_context=security.tls,
            mechanism=security.mechanism,
        )
    return SSLCredentials(security.tls) if security.tls else None


class _Thread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust offers this only together with its own transactions. The client reads it when it starts.
        consumer._isolation_level = "read_committed"
        consumer._consumer_timeout = CHECK_MS / 1000  # nor does it offer this
        app = cast("App", self.app)
        app.membership = Membership(consumer._client, app.conf.id, app.conf.consumer_group_instance_id)
        return consumer

    def look(self, at: TopicPartition) -> Look | None:
        """Return what the broker last said of a partition; None: nothing yet. From any thread: it only reads."""
        return last_look(self._consumer, Place(*at)) if self._consumer else None

    async def on_thread_stop(self) -> None:
        """Leave the group; the library does so for dynamic members only (see `bus.kafka.consumer`)."""
        if self._consumer and self._consumer._coordinator is not None:
            self._consumer._coordinator._group_instance_id = None
        await super().on_thread_stop()


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    def look(self, at: TopicPartition) -> Look | None:
        """Return what the broker last said of a partition; None: nothing yet."""
        return cast("_Thread", self._thread).look(at)

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek to the fence's positions, which are ahead of the group's offsets or right where they are behind."""
        offsets = dict(await super().seek_to_committed())
        stored = {at: await cast("App", self.app).lanes.position(TopicPartition(*at)) for at in offsets}
        known = {at: position for at, position in stored.items() if position is not None}
        if known:
            await self.seek_wait(known)
        return offsets | known


class _Transport(driver.Transport):
    Consumer = _Consumer


class _Boot(BootStrategy):
    enable_kafka_producer = False  # the outbox relay publishes


class App(faust.App):
    """`lanes` say where reading begins. `membership` comes with the consumer."""

    BootStrategy = _Boot
    lanes: FencedLanes
    membership: Membership | None = None

    def look(self, at: TopicPartition) -> Look | None:
        """Return what the broker last said of a partition; None: nothing yet."""
        return cast("_Consumer", self.consumer).look(at)

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)


def make_app(settings: Settings, group: str, lanes: FencedLanes, scratch: str) -> App:
    """Return the app of a group member; `scratch`: a directory, which Faust wants and leaves empty."""
    made = App(
        group,
        broker=";".join(f"kafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")),
        broker_credentials=credentials(security_of(settings)),
        consumer_group_instance_id=settings.instance_id,
        datadir=scratch,
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=_FETCH_BYTES,
        broker_session_timeout=10,
        broker_heartbeat_interval=1,
        broker_rebalance_timeout=15,
        broker_request_timeout=20,
        broker_commit_interval=1.0,
        broker_max_poll_records=500,
        stream_buffer_maxsize=1024,
        stream_wait_empty=True,
    )
    made.lanes = lanes
    return made


def record_of(message: Any) -> Record:
    """Return one of Faust's messages as the bus knows it."""
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return Record(
        message.offset, round(message.timestamp * 1000), message.key, message.value, tuple((n, v) for n, v in pairs)
    )
