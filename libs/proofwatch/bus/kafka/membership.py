"""What the client library does not notice or not survive as a member of a group, seen in the broker's answers.

**A name that another process has taken.** The library neither sends `PROOFWATCH_INSTANCE_ID` with its heartbeats nor
knows Kafka's FENCED_INSTANCE_ID (82). A member whose name was taken is told that nobody knows it, joins anew, and takes
the name back: the two push each other out for ever. So whoever joins again says which member it was. The broker then
answers that the name is another's, or that there is no such member any more, as after a session that has timed out,
and only then is it a new member.

**A coordinator that still loads**, as after a broker's restart. The library waits in JoinGroup, without a word, and
gives up in SyncGroup. Here it waits in both, with one warning.
"""

from typing import Any, Final

import structlog
from aiokafka.errors import UnknownMemberIdError
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from proofwatch.bus.errors import InstanceTaken
from proofwatch.runtime.conditions import Condition

_FENCED_INSTANCE_ID: Final = 82
_NOT_COORDINATOR: Final = 16
_AWAY: Final = {14: "loads the group", 15: "is not available", _NOT_COORDINATOR: "is another broker now"}
_NEW: Final = JoinGroupRequest.UNKNOWN_MEMBER_ID
_log = structlog.get_logger(__name__)


class Membership:
    """What stands between a consumer of the library and the broker; `fenced` may be read by other threads."""

    def __init__(self, client: Any, group: str, instance_id: str | None) -> None:
        """`client`: that of a consumer which has not started yet."""
        self.fenced: InstanceTaken | None = None
        self._group = group
        self._instance_id = instance_id
        self._member_id = _NEW
        self._away = Condition(_log, "group_coordinator_away")
        self._send = client.send
        client.send = self._sent

    async def _sent(self, node: Any, request: Any, **where: Any) -> Any:
        if not isinstance(request, JoinGroupRequest | SyncGroupRequest | HeartbeatRequest):
            return await self._send(node, request, **where)
        joins = isinstance(request, JoinGroupRequest)
        if joins and self._instance_id and request._member_id == _NEW:
            request._member_id = self._member_id
        answer = await self._send(node, request, **where)
        code = answer.error_code
        if code == _FENCED_INSTANCE_ID:
            self.fenced = self._taken()
        elif joins and code == 0:
            self._member_id = answer.member_id
        elif joins and code == UnknownMemberIdError.errno:
            self._member_id = _NEW
        if code in _AWAY:
            self._away.holds(_AWAY[code], group=self._group)
            if not joins:  # this the library takes as a reason to look for the coordinator and try again
                answer.error_code = _NOT_COORDINATOR
        elif code == 0:
            self._away.clears(group=self._group)
        return answer

    def _taken(self) -> InstanceTaken:
        return InstanceTaken(
            f"another process has joined group {self._group} with PROOFWATCH_INSTANCE_ID={self._instance_id} and has "
            f"taken this one's partitions: give every process an id of its own, then start this one again"
        )
