"""A static member's name, `PROOFWATCH_INSTANCE_ID`: who loses it to another process hears of it.

The library neither sends the name with its heartbeats nor knows Kafka's FENCED_INSTANCE_ID (82). A member whose name
another process has taken is told that nobody knows it, joins anew, and takes the name back: the two push each other
out for ever. So whoever joins again says which member it was. The broker then answers that the name is another's, or
that there is no such member any more, as after a session that has timed out, and only then is it a new member.
"""

from typing import Any, Final

from aiokafka.errors import UnknownMemberIdError
from aiokafka.protocol.group import JoinGroupRequest

from proofwatch.bus.errors import InstanceTaken

_FENCED_INSTANCE_ID: Final = 82


class Name:
    """What stands between a consumer of the library and the broker; `fenced` may be read by other threads."""

    def __init__(self, client: Any, group: str, instance_id: str) -> None:
        """`client`: that of a consumer which has not started yet."""
        self.fenced: InstanceTaken | None = None
        self._group = group
        self._instance_id = instance_id
        self._member_id = JoinGroupRequest.UNKNOWN_MEMBER_ID
        self._send = client.send
        client.send = self._sent

    async def _sent(self, node: Any, request: Any, **where: Any) -> Any:
        joins = isinstance(request, JoinGroupRequest)
        if joins and request._member_id == JoinGroupRequest.UNKNOWN_MEMBER_ID:
            request._member_id = self._member_id
        answer = await self._send(node, request, **where)
        code = getattr(answer, "error_code", None)
        if code == _FENCED_INSTANCE_ID:
            self.fenced = InstanceTaken(
                f"another process has joined group {self._group} with PROOFWATCH_INSTANCE_ID={self._instance_id} and "
                f"has taken this one's partitions: give every process an id of its own, then start this one again"
            )
        elif joins and code == 0:
            self._member_id = answer.member_id
        elif joins and code == UnknownMemberIdError.errno:
            self._member_id = JoinGroupRequest.UNKNOWN_MEMBER_ID
        return answer
