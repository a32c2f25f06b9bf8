"""Fixtures with real components. They start on first use, once for each process of the run, and end with it."""

import os
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from proofwatch.events.topics import POSITIONS, load_manifests
from tests.support.announcing import announcer
from tests.support.kafka_broker import KafkaBroker
from tests.support.kafka_secured import SUPER_USERS, SecuredBroker, secured_kafka
from tests.support.logs import loggers_uncached, logging_as_it_was
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.registry_server import RegistryServer
from tests.support.stack import Stack

# `make test` has the same examples every time: what chance finds belongs to whoever looks, not to the next change.
# Neither minds how fast a machine is.
BUSY: Final = (HealthCheck.too_slow,)
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=BUSY)
settings.register_profile("search", max_examples=1_000, deadline=None, suppress_health_check=BUSY)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session", autouse=True)
def loggers_are_not_cached() -> Iterator[None]:
    """Also where a fixture of a whole module runs a command: it is made before anything that is a single test's."""
    with loggers_uncached():
        yield


@pytest.fixture(autouse=True)
def logging_ends_with_the_test() -> Iterator[None]:
    """Commands and services that a test runs in this process configure its logging; the next test has none of it."""
    with logging_as_it_was():
        yield


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config) -> Iterator[Stack]:
    """All components, lazily; one line on the terminal for each that starts."""
    with Stack(announcer(pytestconfig)) as started:
        yield started


@pytest.fixture(scope="session")
def kafka_broker(stack: Stack) -> KafkaBroker:
    """The real broker: `bootstrap`, `pid`, `create_topic()`, `kill()`, `start()`.

    Topics stay until the run ends: name them uniquely. That of positions is there: no owner does without it.
    """
    stack.kafka.create_topics(load_manifests()[POSITIONS].specs())
    return stack.kafka


@pytest.fixture(scope="session")
def postgres_server(stack: Stack) -> PostgresServer:
    """The real server: `create_database()`, `drop_database(dsn)`, `dsn()`, `pid`, `kill()`, `start()`.

    Databases that a test makes here itself stay until the run ends; `postgres_dsn` and `new_database` clean up.
    """
    return stack.postgres


@pytest.fixture(scope="session")
def redis_server(stack: Stack) -> RedisServer:
    """The real cache: `url`, `flush()`, `pid`, `kill()`, `start()`."""
    return stack.redis


@pytest.fixture(scope="session")
def schema_registry(stack: Stack) -> RegistryServer:
    """The real schema registry: `url`, `pid`, `kill()`, `start()`. Subjects stay until the run ends."""
    return stack.registry


@pytest.fixture(scope="session")
def secured_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """A real broker that asks who you are and denies what no ACL allows; `broker.bootstrap` is for the test itself."""
    secured = secured_kafka(tmp_path_factory.mktemp("kafka"), super_users=SUPER_USERS)
    yield secured
    secured.broker.close()


@pytest.fixture(scope="module")
def new_database(postgres_server: PostgresServer) -> Iterator[Callable[[], str]]:
    """A function that creates an empty database and returns its DSN; they are dropped after the module."""
    created: list[str] = []

    def create() -> str:
        created.append(postgres_server.create_database())
        return created[-1]

    yield create
    for dsn in created:
        postgres_server.drop_database(dsn)


@pytest.fixture
def postgres_dsn(postgres_server: PostgresServer) -> Iterator[str]:
    """DSN of an empty database for this test alone."""
    dsn = postgres_server.create_database()
    yield dsn
    postgres_server.drop_database(dsn)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """URL of the cache, empty at the start of this test."""
    redis_server.flush()
    return redis_server.url
