"""The journey's traffic: `python -m tests.benchmarks.journey_traffic BOOTSTRAP PHASE EVENTS RATE` sends it (`load`).

Several tenants, a handset for each subject, some dozen segment values; every event occurs when it is due, so that
windows fill and close as they do live. Event `number` of a phase is a function of both alone, but for its time. The
bytes are written from a template: encoding fifteen thousand a second would take a tenth of the cores that are measured.
"""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from tests.benchmarks.events import Event, scores_of
from tests.benchmarks.load import send

TENANTS: Final = 3
_SUBJECTS: Final = 1_000_000
"""So many that even at 15,000 a second nobody comes often enough for the default policy's velocity rules."""

_BY_KEY: Final = -1  # librdkafka's partitioner decides
_SEXES: Final = (b"female", b"male")
_AGES: Final = (b"18-24", b"25-34", b"35-44", b"45-54", b"55-64", b"65-74")
_COUNTRIES: Final = (b"IN", b"BR", b"DE", b"FR", b"GB", b"NG", b"US", b"VN")
_MODELS: Final = (b"SM-G991B", b"SM-A546B", b"Pixel 8a", b"M2101K6G", b"CPH2473x")
_VERSIONS: Final = (b"4.1.9", b"4.2.0", b"4.2.1")
_FORM: Final = (
    b'{"schema_version":1,"tenant":"%b","transaction_id":"tx-%012d","subject_ref":"sub-%08d","occurred_at":"%b",'
    b'"match_score":%.5f,"liveness_score":%.5f,"device":{"ref":"dev-%08d","model":"%b","os":"android",'
    b'"os_version":"16","sdk_version":"%b"},"timings":{"capture_ms":1820.5,"upload_ms":311.25,"match_ms":41.5,'
    b'"liveness_ms":63.75},"segments":{"age_band":"%b","country":"%b","sex":"%b"},'
    b'"imagery_ref":"s3://journey-onboarding/proof-%012d"}'
)


def tenants(phase: int) -> tuple[str, ...]:
    """Return the tenants of one phase: no other phase has them, so that whatever is counted is counted by phase."""
    return tuple(f"phase{phase:02d}-bank{number}" for number in range(TENANTS))


def traffic(phase: int, rate: float, first_due: datetime) -> Iterator[Event]:
    """Yield the events of a phase, without end."""
    names, spacing, number = [name.encode() for name in tenants(phase)], timedelta(seconds=1 / rate), 0
    while True:
        tenant = names[number % TENANTS]
        subject = (number * 7919 + phase * 131) % _SUBJECTS  # coprime: all subjects before any comes again
        mixed = number * 2_654_435_761 >> 7  # segment values have nothing to do with tenants and scores
        occurred_at = (first_due + number * spacing).isoformat().encode()
        value = _FORM % (
            tenant,
            number,
            subject,
            occurred_at,
            *scores_of(number),
            subject,
            _MODELS[mixed % 5],
            _VERSIONS[mixed // 5 % 3],
            _AGES[mixed // 15 % 6],
            _COUNTRIES[mixed // 90 % 8],
            _SEXES[mixed // 720 % 2],
            number,
        )
        yield Event(b"%b/sub-%08d" % (tenant, subject), _BY_KEY, value)
        number += 1


def main(bootstrap: str, phase: int, count: int, rate: float) -> None:
    """Send the first `count` events of a phase."""
    send(bootstrap, count, rate, lambda first_due: traffic(phase, rate, first_due))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
