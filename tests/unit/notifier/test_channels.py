"""A kind of channel is one line of the registry, and nothing of it can be forgotten."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import pytest

import services.notifier
from services.notifier.adapters import channels
from services.notifier.adapters.channels.kind import Payload
from services.notifier.adapters.channels.registry import KINDS, open_channels
from services.notifier.core.facts import of_platform_alert
from services.notifier.ports import Channel
from services.notifier.routes_file import Routes
from tests.unit.notifier.courses import told_alone
from tests.unit.notifier.events import platform_alert

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "log": {},
    "webhook": {"url": "https://soc.example.org/hook", "secret_env": "SOC_SECRET"},
}
"""What a routes file says of one of each kind; a new kind needs one."""
ENVIRONMENT: Final = {"SOC_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


def test_every_module_of_a_channel_is_registered_and_has_an_example() -> None:
    """A forgotten line, module or example is named here."""
    modules = {path.stem for path in Path(channels.__path__[0]).glob("*.py")} - {"__init__", "kind", "registry"}
    assert {kind.settings.__module__.rpartition(".")[2] for kind in KINDS.values()} == modules
    assert EXAMPLES.keys() == KINDS.keys()


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_a_registered_kind_is_read_opened_and_says_what_happened(name: str) -> None:
    """Schema, sender and payload belong together; the README shows how to write one."""
    kind = KINDS[name]
    assert get_args(kind.settings.model_fields["kind"].annotation) == (name,)
    read = Routes.model_validate({"channels": {"one": {"kind": name, **EXAMPLES[name]}}}).all_channels()
    assert type(read["one"]) is kind.settings
    opened: Channel = open_channels({"one": read["one"]}, ENVIRONMENT)["one"]
    await opened.close()
    notification = told_alone(of_platform_alert(platform_alert()))
    payload: Payload = kind.payload
    assert notification.notification_id.encode() in payload(notification)
    readme = Path(services.notifier.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert f"kind: {name}" in readme
