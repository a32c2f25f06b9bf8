"""The door left open, for tests of what lies behind it; its own are `tests/integration/exits`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from proofwatch.exits.asking import Asking
from services.governance import acting as governing
from services.operations import acting as operating
from services.operations import dlq


def leave_open(patch: pytest.MonkeyPatch) -> None:
    """Let whoever states a name through, without a database; who says none, or not why, is told so all the same."""
    for module in (governing, operating, dlq):
        patch.setattr(module, "through_door", _through)
    patch.setattr(dlq, "_require_unrestricted", _usable)


async def _usable(*_: Any) -> None: ...


@asynccontextmanager
async def _through(
    _settings: Any, _exit: Any, _tenant: Any, asking: Asking, **_: Any
) -> AsyncIterator[tuple[None, Any]]:
    yield None, SimpleNamespace(actor=SimpleNamespace(id=asking.by))
