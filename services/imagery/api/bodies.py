"""What may be sent, as JSON: what has more than this, or other, is refused."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from proofwatch.governance.purposes import Purpose
from proofwatch.web.malformed import KEPT, PRINTED
from services.imagery.handlers.facts_now import Asked

Reason = Annotated[str, Field(max_length=500, pattern=PRINTED), KEPT]
Id = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,128}$")]
"""Of a grant, as this service makes them."""


class Body(BaseModel):
    """A body that says this and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SignIn(Body):
    """Who signs in."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    password: Annotated[SecretStr, Field(max_length=4096)]
    code: Annotated[str, Field(pattern="^[0-9]{6}$")]


class Code(Body):
    """A one-time code."""

    code: Annotated[str, Field(pattern="^[0-9]{6}$")]


class Entered(Body):
    """What the console gave for a person of the house's provider, and the secret of the page that asked for it."""

    ticket: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{43}$")]
    verifier: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{43}$")]


class Wanted(Body):
    """The imagery that is asked for, and why."""

    model_config = ConfigDict(extra="forbid", strict=False)
    tenant: Annotated[str, Field(min_length=1, max_length=63, pattern=PRINTED), KEPT]
    case_id: Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTED), KEPT]
    transaction_id: Annotated[str, Field(min_length=1, max_length=256, pattern=PRINTED), KEPT]
    purpose: Purpose = Purpose.PROVIDE_FEATURES
    reason: Reason

    def asked(self) -> Asked:
        """Return it as the broker takes it."""
        return Asked(self.tenant, self.case_id, self.transaction_id, self.purpose, self.reason)


class Look(Body):
    """How: blurred, or after a second deliberate key sharp."""

    sharp: bool = False
