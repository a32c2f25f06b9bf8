"""The policy that comes with Proofwatch, as files that people can read."""

from pathlib import Path
from typing import Final

from services.imagery.core.decision import ImageryPolicy

_FOLDER: Final = Path(__file__).parents[1] / "policy"


def shipped_policy() -> ImageryPolicy:
    """Return it. Raises `InvalidPolicy`."""
    policies, schema = (_FOLDER / "imagery.cedar", _FOLDER / "imagery.cedarschema")
    return ImageryPolicy(policies.read_text(encoding="utf-8"), schema.read_text(encoding="utf-8"))
