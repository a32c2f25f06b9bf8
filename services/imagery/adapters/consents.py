"""Consents by what `proofwatch run consents` keeps, held against the end of the topic at that moment."""

import asyncio
from datetime import datetime
from typing import Any, Final

from proofwatch.bus.errors import BusError, DatabaseAway
from proofwatch.bus.port import Bus
from proofwatch.governance.consent_words import ConsentsBehind, in_force, require_read
from proofwatch.governance.purposes import Purpose
from proofwatch.governance.release import ConsentState
from services.imagery.core.facts import Flagged
from services.imagery.ports import ConsentsUnread

_SECONDS: Final = 2.0
"""The broker's other decisions wait meanwhile."""


class FollowedConsents:
    """See `ports.Consents`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def given(self, tx: Any, flagged: Flagged, purpose: Purpose, now: datetime) -> bool:
        """Return whether it is in force; what is on the topic and has not been read may be a withdrawal."""
        try:
            async with asyncio.timeout(_SECONDS):
                await require_read(tx, self._bus)
        except DatabaseAway:
            raise
        except (BusError, ConsentsBehind) as error:
            raise ConsentsUnread(f"what the person has consented to cannot be told: {error}") from None
        except TimeoutError:
            raise ConsentsUnread(
                f"what the person has consented to cannot be told: the topic did not answer within {_SECONDS:g} s"
            ) from None
        states = await in_force(tx, flagged.tenant, [flagged.subject_tag], now, purpose)
        return states[flagged.subject_tag] is ConsentState.GRANTED
