"""What every command leaves behind, by its name: a new command is an entry here, or a test fails.

Whatever reads personal data or changes what is watched asks the door (`proofwatch.exits`), or leaves an entry in the
audit log itself, in the transaction of the act; either says who, for what and by which role. The rest says why it need
not.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from proofwatch.access.roles import TABLE, Act
from proofwatch.events import topics
from proofwatch.exits.table import EXITS


class Trace(NamedTuple):
    """What a command leaves.

    kind: `door`, it asks the exit `what`; `entry`, it enters the act `what`; `record`, its record on the topic `what`
    is the act, signed, and the auditor enters it; `nothing`: it reads nothing personal and changes nothing of what is
    watched, because `what`.
    """

    kind: Literal["door", "entry", "record", "nothing"]
    what: str
    act: Act | None = None
    """Of `entry`: what the session must be allowed to; None: by the database's own rights, or by signing in itself."""


def _door(*names: str) -> dict[str, Trace]:
    return {name: Trace("door", name) for name in names}


def _nothing(why: str, *names: str) -> dict[str, Trace]:
    return {name: Trace("nothing", why) for name in names}


def _record(topic: str, *names: str) -> dict[str, Trace]:
    return {name: Trace("record", topic) for name in names}


def _entry(act: Act | None, **acts: str) -> dict[str, Trace]:
    return {name.replace("__", "-").replace("_", " ", 1): Trace("entry", what, act) for name, what in acts.items()}


_FILES: Final = "it reads and writes files that whoever calls it has already"
_MANIFESTS: Final = "it tells what the manifests and the governed documents say, which name nobody"
_PLATFORM: Final = "it prepares or looks at the platform: names, positions and counts, no field of an event"

TRACES: Final[Mapping[str, Trace]] = {
    **_nothing(_FILES, "demo", "replay", "evaluate", "mapping guess"),
    **_nothing(_FILES, "audit verify", "audit fork", "audit proof", "audit keygen", "policy keygen", "keys begin"),
    **_nothing(_FILES, "policy check", "tenant check", "pattern check"),
    **_nothing(_MANIFESTS, "register", "acls", "schemas check", "schemas register"),
    **_nothing(_MANIFESTS, "policy diff", "policy show", "policy history", "tenant show", "tenant history"),
    **_nothing(_MANIFESTS, "control list"),
    **_nothing(_PLATFORM, "topics list", "topics plan", "topics apply", "topics widen", "migrate", "health"),
    **_nothing(_PLATFORM, "backup check", "restore check", "dlq list", "keys list"),
    **_nothing("the log's keys are public", "audit keys"),
    **_nothing("a witness sees checkpoints: sizes and hashes", "audit witness"),
    **_nothing("it is a service, whose rights are its own (`acls`); what it does is entered by it", "run"),
    **_nothing(
        "it is upstream, whose transactions are what is watched; it needs upstream's rights on Kafka", "publish"
    ),
    **_door("backtest", "explain", "troubleshoot", "rates", "windows", "handsets", "markers", "what-if"),
    **_door("accepted-attacks"),
    **_door("baseline show", "baseline rebase", "markers add", "statement", "statistics", "export training"),
    **_door(
        "audit export",
        "audit prove",
        "audit show",
        "audit search",
        "people list",
        "people review",
        "tokens list",
        "privacy scan",
    ),
    **_door("imagery reconcile", "imagery share", "dlq show", "dlq redrive", "subjects repair", "restore relay"),
    **{f"control {each}": Trace("door", "control") for each in ("on", "off")},
    **{
        f"notify {each}": Trace("door", "notify")
        for each in ("list", "explain", "silences", "silence", "expire", "ack")
    },
    **_record(topics.POLICIES, "policy propose"),
    **_record(topics.TENANTS, "tenant propose"),
    **_record(topics.APPROVALS, "policy approve", "tenant approve"),
    **_record(topics.ACTIVATIONS, "policy activate", "policy rollback", "policy withdraw", "tenant activate"),
    **_entry(Act.READ_CASES, cases_list="cases.read", cases_show="cases.read", cases_release="case.released"),
    **_entry(Act.TAKE_CASE, cases_take="case.assigned", cases_next="case.assigned"),
    **_entry(Act.ASSIGN_CASE, cases_assign="case.assigned"),
    **_entry(Act.REFER_CASE, cases_refer="case.referred"),
    **_entry(Act.CLOSE_CASE, cases_close="case.closed", cases_reopen="case.reopened"),
    **_entry(Act.CLOSE_CASE, cases_merge="case.merged", cases_unmerge="case.unmerged"),
    **_entry(Act.PROPOSE_DISPOSITION, cases_clear="case.proposed", cases_threat="case.proposed"),
    **_entry(Act.APPROVE_DISPOSITION, cases_approve="case.decided", cases_reject="case.rejected"),
    **_entry(Act.READ_CASES, cases_review="case.staged", cases_know="case.staged", cases_novel="case.staged"),
    **_entry(Act.READ_CASES, cases_high__risk="case.staged"),
    **_entry(Act.READ_CASES, cases_snooze="case.rested", cases_wake="case.rested"),
    **_entry(Act.PROPOSE_PATTERN, pattern_preview="pattern.previewed", pattern_hunt="pattern.hunted"),
    **_entry(None, pattern_list="patterns.read", pattern_show="patterns.read"),
    **_entry(Act.PROPOSE_PATTERN, pattern_draft="pattern.drafted", pattern_propose="pattern.proposed"),
    **_entry(Act.PROPOSE_PATTERN, pattern_live="pattern.live_proposed", pattern_withdraw="pattern.stopped"),
    **_entry(Act.APPROVE_PATTERN, pattern_approve="pattern.approved", pattern_reject="pattern.rejected"),
    **_entry(Act.CHANGE_PEOPLE, people_add="person.added", people_enrol="person.enrolled"),
    **_entry(Act.CHANGE_PEOPLE, people_revoke="person.revoked", people_end__sessions="access.sessions_ended"),
    **_entry(Act.CHANGE_ROLES, people_roles="person.roles_given"),
    **_entry(Act.CHANGE_PEOPLE, tokens_create="token.created", tokens_revoke="token.revoked"),
    **_entry(None, people_sign__in="access.signed_in", people_sign__out="access.signed_out"),
    **_entry(Act.PROPOSE_ERASURE, erase_request="erasure.requested", erase_withdraw="erasure.withdrawn"),
    **_entry(Act.PROPOSE_ERASURE, erase_list="privacy.listed", privacy_retention="privacy.listed"),
    **_entry(Act.APPROVE_ERASURE, erase_approve="erasure.approved"),
    **_entry(None, erase_resume="subject.erased", erase_replay="subject.erased_again"),
    **_entry(Act.PROPOSE_HOLD, hold_place="hold.placed", hold_list="privacy.listed"),
    **_entry(Act.PROPOSE_HOLD, hold_restrict="hold.placed", hold_forbid="hold.use_forbidden"),
    **_entry(Act.APPROVE_HOLD, hold_lift="hold.lifted", hold_permit="hold.use_permitted"),
    **_entry(Act.APPROVE_ERASURE, keys_rewrap="keys.wrapped_anew", keys_destroy="keys.epoch_destroyed"),
    **_entry(Act.APPROVE_ERASURE, keys_tags="keys.tags_moved"),
    **_entry(Act.SEE_IMAGERY_OF_ASSIGNED_CASE, imagery_glass__ask="imagery.glass_asked"),
    **_entry(Act.APPROVE_BREAK_GLASS, imagery_glass__agree="imagery.glass_begun"),
    **_entry(Act.APPROVE_BREAK_GLASS, imagery_glass__end="imagery.glass_ended"),
}


def table() -> list[str]:
    """Return who may run what, as rows of a table of the documents: commands, what they leave, roles."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, trace in TRACES.items():
        rows.setdefault((_left(trace), _who(trace)), []).append(f"`{name}`")
    return [f"| {', '.join(names)} | {left} | {who} |" for (left, who), names in rows.items()]


def _left(trace: Trace) -> str:
    if trace.kind == "door":
        return f"`data.asked`, for {EXITS[trace.what].purpose.value.replace('_', ' ')}"
    return {"entry": "an entry of its own", "record": "a signed record, which is entered", "nothing": "nothing"}[
        trace.kind
    ]


def _who(trace: Trace) -> str:
    act = EXITS[trace.what].act if trace.kind == "door" else trace.act
    if act is not None:
        return ", ".join(sorted(role for role, acts in TABLE.items() if act in acts))
    if trace.kind == "record":
        return "whose key the keyring has for it"
    return "everybody" if trace.kind == "nothing" else "who signs in, or has the database's own rights"
