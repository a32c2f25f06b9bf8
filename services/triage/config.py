"""Settings of triage."""

from typing import Annotated

from pydantic import Field, SecretStr

from proofwatch.runtime.key_settings import KeySettings


class Settings(KeySettings):
    """What triage needs to know to start, beyond what every process does."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same for every replica and for good; checked by `app.build`."""
    escalate_at_reasons: Annotated[int, Field(ge=1, le=1000)] = 3
    """A subject's case with so many reasons is escalated, however slight each of them is."""
    cases_in_hand: Annotated[int, Field(ge=1, le=1000)] = 20
    """Who works on so many cases is given no next one; `take`, and a checker's `assign`, go beyond."""
