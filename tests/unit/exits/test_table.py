"""Every exit, every state of consent, every set of bases: what passes the door is what was agreed, and nothing else."""

from itertools import product

import pytest

from proofwatch.events.stores import load_stores
from proofwatch.events.topics import load_manifests
from proofwatch.exits.table import EXITS, Exit
from proofwatch.governance.purposes import Category, Purpose
from proofwatch.governance.release import UNDER_CONTRACT, ConsentState, Refused, Released, decide
from services.commands import COMMANDS
from tests.unit.governance.test_release import BASES, expected

A, C, D, I = Category.ACCOUNT, Category.CONFIGURATION, Category.DIAGNOSTIC_AND_USAGE, Category.IDENTIFICATION  # noqa: E741
LEAVES = {
    "statement": (Purpose.BILLING, {A, D}),
    "statistics": (Purpose.MAINTAIN_AND_DELIVER_STATISTICS, {A}),
    "export training": (Purpose.IMPROVE_AND_DEVELOP, {D}),
    "troubleshoot": (Purpose.TROUBLESHOOTING, {A, C, D, I}),
    "explain": (Purpose.TROUBLESHOOTING, {A, C, D, I}),
    "backtest": (Purpose.PROVIDE_FEATURES, {A, C, D, I}),
    **dict.fromkeys(
        ("rates", "windows", "handsets", "what-if", "markers", "baseline show"),
        (Purpose.TROUBLESHOOTING, {A, C, D, I}),
    ),
    "accepted-attacks": (Purpose.PROVIDE_FEATURES, {A, D, I}),
    **dict.fromkeys(("baseline rebase", "markers add"), (Purpose.MAINTAIN_AND_DELIVER_STATISTICS, {A, C})),
    "control": (Purpose.PROVIDE_FEATURES, {A, C}),
    "notify": (Purpose.TROUBLESHOOTING, {A, C, D}),
    "dlq show": (Purpose.TROUBLESHOOTING, {A, C, D, I}),
    **dict.fromkeys(("dlq redrive", "subjects repair", "restore relay"), (Purpose.TROUBLESHOOTING, {D})),
    **dict.fromkeys(
        ("audit export", "audit prove", "audit show", "audit search", "audit search --own"),
        (Purpose.TROUBLESHOOTING, {A, C, D}),
    ),
    "people list": (Purpose.MAINTAIN_AND_DELIVER_STATISTICS, {A}),
    "people review": (Purpose.MAINTAIN_AND_DELIVER_STATISTICS, {A}),
    "tokens list": (Purpose.MAINTAIN_AND_DELIVER_STATISTICS, {A}),
    "imagery reconcile": (Purpose.TROUBLESHOOTING, {D, I}),
    "imagery share": (Purpose.MAINTAIN_AND_DELIVER_STATISTICS, {A}),
    "privacy scan": (Purpose.TROUBLESHOOTING, {D}),
}
"""Written a second time, by hand: what a new field of an event would add to an exit is seen here."""
EVERY = tuple(product(EXITS.values(), ConsentState, BASES))


def test_each_exit_gives_out_what_was_agreed_for_its_purpose() -> None:
    """Neither an exit nor a category more; each exit is a command."""
    assert {each.name: (each.purpose, set(each.categories())) for each in EXITS.values()} == LEAVES
    assert {name.split()[0] for name in EXITS} <= COMMANDS.keys()


@pytest.mark.parametrize("exit_", EXITS.values(), ids=EXITS)
def test_an_exit_opens_on_its_basis_and_on_no_other(exit_: Exit) -> None:
    """By the hand-written matrix, cell by cell: one category that may not leave closes the whole."""
    for _, state, bases in (each for each in EVERY if each[0] is exit_):
        decided = decide(exit_.purpose, exit_.categories(), {exit_.purpose: state}, bases)
        wanted = {expected(exit_.purpose, category, state, bases) for category in exit_.categories()}

        assert isinstance(decided, Released) == (wanted == {"released"}), (state, bases)
        if isinstance(decided, Refused):
            assert decided.reason in wanted


@pytest.mark.parametrize("exit_", EXITS.values(), ids=EXITS)
@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("category", Category)
def test_a_further_category_closes_an_exit_whose_purpose_forbids_it(
    exit_: Exit, purpose: Purpose, category: Category
) -> None:
    """As a field of the response would that nobody thought about; under every purpose, not the exit's own alone."""
    more = exit_._replace(purpose=purpose, fields={**exit_.fields, "another": category})
    decided = decide(purpose, more.categories(), {}, UNDER_CONTRACT)
    wanted = {expected(purpose, each, ConsentState.NONE, UNDER_CONTRACT) for each in more.categories()}

    assert isinstance(decided, Released) == (wanted == {"released"})


@pytest.mark.parametrize("exit_", EXITS.values(), ids=EXITS)
def test_what_an_exit_reads_whole_may_be_read_for_its_purpose(exit_: Exit) -> None:
    """A topic or store names its purposes; a command may not read it for another one."""
    purposes = {name: each.purposes for name, each in load_manifests().items()}
    purposes |= {name: each.purposes for name, each in load_stores().items()}

    figures = {"troubleshoot", "explain", "backtest", "rates", "windows", "handsets", "what-if", "markers", "notify"}
    assert bool(exit_.reads) == (exit_.name in {*figures, "baseline show"}), "the others read by column, place or entry"
    assert [name for name in exit_.reads if exit_.purpose not in purposes[name]] == []
