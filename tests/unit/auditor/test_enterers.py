"""Which process's role enters what, held against what the commands leave and the roles that there are."""

from services.auditor.core.enterers import _ENTERS, PREFIX, is_doubtful
from services.command_traces import TRACES
from services.operations.access import PROCESSES


def test_every_process_is_one_that_has_a_role() -> None:
    named = {process for processes in _ENTERS.values() for process in processes}
    assert named <= {name for name, each in PROCESSES.items() if each.on_postgres()}


def test_what_a_command_enters_is_somebodys_to_enter() -> None:
    for name, trace in TRACES.items():
        if trace.kind == "entry":
            assert any(not is_doubtful(trace.what, PREFIX + process) for process in PROCESSES), name


def test_what_people_do_in_the_console_is_doubted_by_nobody() -> None:
    """They sign in there and work on cases with its role; what it has no page for, it does not enter."""
    for action in ("access.signed_in", "access.sign_in_refused", "case.assigned", "case.closed", "cases.read"):
        assert not is_doubtful(action, PREFIX + "console"), action
    assert is_doubtful("imagery.view_intended", PREFIX + "console")


def test_whoever_shares_a_role_with_all_is_doubted_in_nothing_and_others_are() -> None:
    """As `postgres` nothing can be told. Who asks at a door may be anybody; an act of no process is nobody's."""
    assert not is_doubtful("subject.erased", "postgres")
    assert not is_doubtful("subject.erased", "proofwatch-auditor")
    assert not is_doubtful("data.asked", "proofwatch-billing")
    assert is_doubtful("subject.erased", "proofwatch-billing")
    assert is_doubtful("policy.activated", "proofwatch-governance")
    assert is_doubtful("imagry.view_intended", "proofwatch-imagery")
