"""Where a tenant's pictures are kept, as its governed settings say."""

import re
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

_FOLDER: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


class ImageryPlace(BaseModel):
    """A reference to imagery that leads anywhere else is refused.

    `store`: its name in the settings of the service that opens pictures, which has address and keys. `prefix`: what
    every key in the bucket begins with; it ends with a slash, so that `harbour/` is not also `harbour-2/`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")]
    prefix: Annotated[str, Field(max_length=256)]

    @field_validator("prefix")
    @classmethod
    def _whole_folders(cls, prefix: str) -> str:
        *folders, rest = prefix.split("/")
        if rest or not all(_FOLDER.fullmatch(each) and each not in (".", "..") for each in folders):
            msg = "must be folders of letters, digits, '_', '-' and '.', each with a slash behind it, such as proofs/"
            raise ValueError(msg)
        return prefix
