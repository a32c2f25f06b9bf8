"""Every kind of channel, one line each; its name is what the routes file calls `kind`."""

from collections.abc import Mapping
from typing import Any, Final

from services.notifier.adapters.channels.kind import ChannelKind, ChannelSettings, InvalidChannel
from services.notifier.adapters.channels.log import LogSettings, notification_line, open_log
from services.notifier.adapters.channels.webhook import WebhookSettings, open_webhook
from services.notifier.core.webhook_body import webhook_body
from services.notifier.ports import Channel

KINDS: Final[Mapping[str, ChannelKind[Any]]] = {
    "log": ChannelKind(LogSettings, notification_line, open_log),
    "webhook": ChannelKind(WebhookSettings, webhook_body, open_webhook),
}


def open_channels(wanted: Mapping[str, ChannelSettings], environment: Mapping[str, str]) -> dict[str, Channel]:
    """Open every channel, by its name in the routes file. Raises `InvalidChannel`, which never holds a secret."""
    opened: dict[str, Channel] = {}
    for name, settings in wanted.items():
        kind = KINDS[settings.kind]
        try:
            opened[name] = kind.open(settings, kind.payload, environment)
        except InvalidChannel as error:
            msg = f"channel {name}: {error}"
            raise InvalidChannel(msg) from error
    return opened
