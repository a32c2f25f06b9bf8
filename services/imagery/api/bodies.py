"""What may be sent, as JSON: what has more than this, or other, is refused."""

from typing import Annotated, Final

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from proofwatch.governance.purposes import Purpose
from services.imagery.handlers.facts_now import Asked

_PRINTED: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""No control characters: the database takes no zero, and the auditor's terminal obeys others."""
Reason = Annotated[str, Field(max_length=500, pattern=_PRINTED)]
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


class Wanted(Body):
    """The imagery that is asked for, and why."""

    model_config = ConfigDict(extra="forbid", strict=False)
    tenant: Annotated[str, Field(min_length=1, max_length=63, pattern=_PRINTED)]
    case_id: Annotated[str, Field(min_length=1, max_length=128, pattern=_PRINTED)]
    transaction_id: Annotated[str, Field(min_length=1, max_length=256, pattern=_PRINTED)]
    purpose: Purpose = Purpose.PROVIDE_FEATURES
    reason: Reason

    def asked(self) -> Asked:
        """Return it as the broker takes it."""
        return Asked(self.tenant, self.case_id, self.transaction_id, self.purpose, self.reason)


class Look(Body):
    """How: blurred, or after a second deliberate key sharp."""

    sharp: bool = False
