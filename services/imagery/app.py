"""The composition root of the imagery broker."""

from typing import TYPE_CHECKING, Final

from proofwatch.access.code_seal import parse_code_keys
from proofwatch.access.hand_over import PostgresHandover
from proofwatch.access.postgres import PostgresPeople
from proofwatch.audit.note import InvalidNote, VerifierKey
from proofwatch.bus.connect import on_kafka_and_postgres
from proofwatch.bus.lanes.settings import IDLE_LONG_S, LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.bus.postgres.outbox import outbox_fence, relay
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.pseudonyms import parse_secret
from proofwatch.runtime.cell_settings import DEFAULT_SMALL_CELL
from proofwatch.runtime.clock import Clock, SystemClock
from proofwatch.runtime.service import Part, Service
from proofwatch.web.server import Server
from proofwatch.web.sessions import PeopleSessions
from services.imagery.adapters.audit_tables import AuditTables
from services.imagery.adapters.consents import FollowedConsents
from services.imagery.adapters.folder_store import FolderStore
from services.imagery.adapters.governed_tenants import GovernedTenants
from services.imagery.adapters.kept_open import KeptOpen
from services.imagery.adapters.policy_files import shipped_policy
from services.imagery.adapters.postgres import PostgresBroker
from services.imagery.adapters.renderer import ProcessRenderer
from services.imagery.adapters.s3_store import S3Settings, S3Store
from services.imagery.adapters.shares import ShareSample
from services.imagery.api.entrance import Entrance
from services.imagery.api.routes import application
from services.imagery.config import Settings
from services.imagery.core.facts import Limits
from services.imagery.core.glass import GlassTerms
from services.imagery.core.lease import Terms
from services.imagery.core.pictures import Limits as PictureLimits
from services.imagery.handlers.broker import Broker
from services.imagery.handlers.checkpoints import Checkpoints
from services.imagery.handlers.flags import FlagsStage
from services.imagery.handlers.glass import BreakGlass
from services.imagery.handlers.opening import OpenPicture
from services.imagery.handlers.sweep import Sweep

if TYPE_CHECKING:
    import asyncpg

__all__ = ["GROUP", "SCHEMA", "TOPICS", "InvalidBroker", "Settings", "build", "connect", "flags"]

GROUP: Final = "imagery"
SCHEMA: Final = "imagery"
TOPICS: Final = (topics.SUSPICIONS,)


class InvalidBroker(ValueError):
    """The broker cannot start as it is configured; the message says what would be right."""


def build(settings: Settings, bus: Bus, pool: "asyncpg.Pool", clock: Clock, wire: Wire = JSON) -> Service:
    """Wire the broker.

    Raises `InvalidBroker`, `InvalidSecret`, `InvalidPolicy`, `InvalidKeyring`, `InvalidCodeKeys`.
    """
    flagging = flags(settings, bus, pool, clock, wire)
    store = _store(settings)
    follower = settings.documents(bus, clock)
    tables = PostgresBroker(pool, ErasureLog(bus))
    checkpoints = Checkpoints(bus, wire, AuditTables(pool), _keys(settings))
    pictures = PictureLimits()
    stores = {settings.imagery_store: store}
    tenants, renderer = GovernedTenants(follower, clock), ProcessRenderer(pictures)
    opening = OpenPicture(tenants, stores, renderer, pictures)
    terms = Terms(settings.imagery_lease_minutes, settings.imagery_lease_views)
    limits = Limits(settings.imagery_confirm_minutes * 60, settings.imagery_views_a_day)

    async def tell(alert: Outgoing) -> None:
        await bus.publish([alert])

    policy = shipped_policy()
    consents = FollowedConsents(bus)
    broker = Broker(tables, checkpoints, opening, policy, clock, tell, consents, limits=limits, terms=terms)
    minutes = GlassTerms(settings.imagery_glass_minutes, settings.imagery_glass_uses)
    glass = BreakGlass(tables, broker.facts.request, policy, clock, tell, limits=limits, terms=minutes)

    async def others() -> int:
        return await glass.step() + await broker.tell_late()

    console = settings.imagery_console_origin
    entrance = Entrance(PostgresHandover(pool), console, clock) if console else None
    sessions = PeopleSessions(PostgresPeople(pool, seal=parse_code_keys(settings.code_keys())), clock)
    parts: list[Part] = [
        *([follower] if follower else []),
        tenants,
        KeptOpen(renderer, *([store] if isinstance(store, S3Store) else [])),
        flagging,
        checkpoints,
        Sweep(tables, clock, broker.sending, 4 * terms.view_s, others),
        Server(
            application(broker, glass, sessions, settings.imagery_origin, entrance),
            settings.imagery_host,
            settings.imagery_port,
        ),
    ]
    shares = ShareSample(pool, clock, max(DEFAULT_SMALL_CELL, settings.small_cell))
    return Service("imagery", parts, sampled=[shares])


def flags(settings: Settings, bus: Bus, pool: "asyncpg.Pool", clock: Clock, wire: Wire = JSON) -> Part:
    """Wire the lane of what is flagged. Raises `InvalidSecret` without a usable subject_tag_secret; `InvalidKeys`."""
    given = settings.subject_tag_secret
    secret = parse_secret(given.get_secret_value() if given else None)
    fence = outbox_fence(pool, SCHEMA, bus, GROUP, TOPICS)
    lanes = LaneSettings.of(settings, idle_s=IDLE_LONG_S)
    stage = FlagsStage(PostgresBroker(pool), PostgresTags(settings.key_encryption_if_any()), secret, wire)
    companions = (relay(fence, bus, GROUP, lanes, clock),)
    return Worker(bus, TOPICS, fence, stage, lanes, clock, wire=wire, companions=companions, announce=True)


async def connect(settings: Settings) -> Service:
    """Open Kafka and PostgreSQL and wire the service to them. Raises what `build` and `on_kafka_and_postgres` raise."""
    return await on_kafka_and_postgres(
        settings, GROUP, lambda bus, wire, pool: build(settings, bus, pool, SystemClock(), wire), schema=SCHEMA
    )


def _keys(settings: Settings) -> list[VerifierKey]:
    path = settings.imagery_log_keys_file
    if path is None:
        raise InvalidBroker(
            "nothing is opened without an audit log: give its public keys as PROOFWATCH_IMAGERY_LOG_KEYS_FILE, one on "
            "each line, as `proofwatch audit keygen` prints them"
        )
    try:
        lines = [each.strip() for each in path.read_text(encoding="utf-8").splitlines() if each.strip()]
        keys = [VerifierKey.parse(each) for each in lines]
    except (OSError, UnicodeDecodeError, InvalidNote) as error:
        raise InvalidBroker(f"{path}: {error}") from None
    if not keys or len({each.name for each in keys}) > 1:
        raise InvalidBroker(f"{path}: must hold the public keys of one log, at least one")
    return keys


def _store(settings: Settings) -> FolderStore | S3Store:
    if settings.imagery_folder is not None:
        return FolderStore(settings.imagery_store, settings.imagery_folder)
    access, secret = settings.imagery_s3_access_key, settings.imagery_s3_secret_key
    if settings.imagery_s3_endpoint is None or access is None or secret is None:
        raise InvalidBroker(
            "where imagery lies is not set: give PROOFWATCH_IMAGERY_S3_ENDPOINT with PROOFWATCH_IMAGERY_S3_ACCESS_KEY "
            "and PROOFWATCH_IMAGERY_S3_SECRET_KEY, or PROOFWATCH_IMAGERY_FOLDER"
        )
    keys = access.get_secret_value(), secret.get_secret_value()
    return S3Store(S3Settings(settings.imagery_store, settings.imagery_s3_endpoint, *keys, settings.imagery_s3_region))
