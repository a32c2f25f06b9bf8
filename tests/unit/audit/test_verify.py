"""Verdicts on exports: honest ones, and what each adversary can make of one."""

from base64 import b64encode
from dataclasses import replace as changed
from datetime import timedelta

import msgspec
import pytest

from proofwatch.audit import export
from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import BEGUN, KEY_ADDED, KEY_RETIRED, leaf_of
from proofwatch.audit.forks import check_fork, read_fork
from proofwatch.audit.merkle import ProofRefused
from proofwatch.audit.note import InvalidNote, SigningKey
from proofwatch.audit.policy import parse_policy
from proofwatch.audit.verify import CannotCompare, Trust, Verdict, verify
from tests.unit.audit.a_log import (
    LOG_KEY,
    NEXT_KEY,
    ORIGIN,
    WITNESSES,
    InMemory,
    Log,
    a_log,
    a_rotated_log,
    an_entry,
    at,
    of_key,
    verifiers,
)

KNOWN = Trust(verifiers(LOG_KEY))
POLICY = parse_policy(
    "".join(f"witness w{place} {each.verifier.text()}\n" for place, each in enumerate(WITNESSES))
    + "group two 2 w0 w1 w2\nquorum two\n"
)


def judged(log: Log, trust: Trust = KNOWN, begin: int = 0, end: int | None = None) -> Verdict:
    return verify(InMemory(log.export(begin, end)), trust)


def at_fault(found: Verdict) -> tuple[int | None, int | None]:
    """The entries of which one or more are at fault, first and last."""
    return found.entry, found.until


def assert_invalid(found: Verdict, message: str, entry: int | None = None, where: str = export.ENTRIES) -> None:
    assert (found.state, found.where, found.entry) == ("INVALID", where, entry), found
    assert message in found.fault


# Honest logs.


def test_a_log_without_witnesses_is_consistent_and_says_what_it_may_hide() -> None:
    found = judged(a_log())
    assert (found.state, found.entries, found.fault) == ("CONSISTENT, UNWITNESSED", 12, "")
    words = [each.partition(":")[0] for each in found.not_excluded]
    assert words == ["a fork", "a rollback", "acts that were never entered"]


def test_without_a_key_from_elsewhere_the_verdict_names_the_key_to_compare() -> None:
    found = judged(a_log(), Trust())
    assert found.state == "CONSISTENT, UNWITNESSED"
    assert LOG_KEY.verifier.text() in found.not_excluded[0]


def test_a_quorum_of_witnesses_makes_it_witnessed_and_tells_when() -> None:
    found = judged(a_log(witnesses=WITNESSES[:2]), changed_policy())
    assert (found.state, found.entries) == ("WITNESSED", 12)
    assert [(each.witness.name, each.seconds) for each in found.cosigned] == [
        (each.verifier.name, int(at(11).timestamp()) + 2) for each in WITNESSES[:2]
    ]
    assert found.not_excluded == ("acts that were never entered",)


def changed_policy() -> Trust:
    return KNOWN._replace(policy=POLICY)


def test_one_witness_of_two_that_are_asked_is_no_quorum() -> None:
    found = judged(a_log(witnesses=WITNESSES[:1]), changed_policy())
    assert found.state == "CONSISTENT, UNWITNESSED"
    assert len(found.cosigned) == 1


def test_a_log_of_one_entry_and_one_with_a_checkpoint_for_each() -> None:
    assert judged(a_log(1)).entries == 1
    assert judged(a_log(9, every=1)).entries == 9


def test_an_earlier_checkpoint_is_part_of_the_history_whichever_it_is() -> None:
    log = a_log()
    for note in log.notes:
        found = judged(log, KNOWN._replace(since=note))
        assert found.state == "CONSISTENT, UNWITNESSED"
        assert [each.partition(":")[0] for each in found.not_excluded] == ["a fork", "acts that were never entered"]


def test_a_key_is_replaced_and_the_old_one_vouches_for_the_new() -> None:
    log = a_rotated_log()
    for keys in ([LOG_KEY], [NEXT_KEY], []):
        assert judged(log, Trust(verifiers(*keys))).state == "CONSISTENT, UNWITNESSED"


def test_progress_is_told_as_entries_are_walked() -> None:
    log, told = a_log(5000, every=5000), list[int]()
    verify(InMemory(log.export()), KNOWN, told.append)
    assert told == [0, 4096]


@pytest.mark.parametrize(("begin", "end"), [(0, 8), (4, 12), (4, 8), (3, 9), (8, 8), (12, 12)])
def test_a_part_of_a_log_is_consistent_too(begin: int, end: int) -> None:
    found = judged(a_log(), KNOWN, begin, end)
    assert (found.state, found.entries) == ("CONSISTENT, UNWITNESSED", end - begin)
    assert any("not in this part" in each for each in found.not_excluded)


def test_a_part_with_a_rotation_in_it_before_it_or_after_it() -> None:
    for begin, end in ((0, 5), (5, 8), (8, 9), (3, 10)):
        assert judged(a_rotated_log(), KNOWN, begin, end).state == "CONSISTENT, UNWITNESSED", (begin, end)
    assert judged(a_rotated_log(), Trust(verifiers(NEXT_KEY)), 9, 12).state == "CONSISTENT, UNWITNESSED"
    found = judged(a_rotated_log(), KNOWN, 9, 12)
    assert_invalid(found, "if the key was replaced, export from before that on", None, export.CHECKPOINT)


def test_an_earlier_checkpoint_outside_the_part_cannot_be_compared() -> None:
    log = a_log()
    with pytest.raises(CannotCompare, match="has 4 entries: export the log from there on, or whole"):
        judged(log, KNOWN._replace(since=log.notes[0]), 8, 12)


# Who can write the database, and has no key.


def test_an_entry_that_was_edited() -> None:
    log = a_log()
    log.leaves[5] = leaf_of(an_entry(5, reason="another reason"))
    assert_invalid(judged(log), "of the entries from 4 to 7, one or more are not those that were signed", 4)


def test_an_entry_that_was_edited_beside_its_leaf() -> None:
    files = a_log().export()
    files[export.ENTRIES] = files[export.ENTRIES].replace(b'"id":"case-5"', b'"id":"case-6"')
    assert_invalid(verify(InMemory(files), KNOWN), "entry 5: the fields do not agree with the leaf", 5)


def test_an_entry_that_was_deleted_and_the_rest_moved_up() -> None:
    log = a_log()
    del log.leaves[5]
    log.leaves.append(leaf_of(an_entry(12)))
    assert_invalid(judged(log), "of the entries from 4 to 7", 4)


def test_a_line_that_is_gone_or_out_of_place_or_there_twice() -> None:
    files = a_log().export()
    lines = files[export.ENTRIES].splitlines(keepends=True)
    for wrong, entry in (
        ([*lines[:5], *lines[6:]], 5),
        ([*lines[:5], lines[6], lines[5], *lines[7:]], 5),
        ([*lines[:6], *lines[5:]], 6),
    ):
        found = verify(InMemory({**files, export.ENTRIES: b"".join(wrong)}), KNOWN)
        assert_invalid(found, f"where entry {entry} should be", entry)


def test_two_entries_that_changed_places() -> None:
    log = a_log()
    log.leaves[5], log.leaves[6] = leaf_of(an_entry(6, at(5))), leaf_of(an_entry(5, at(6)))
    assert_invalid(judged(log), "of the entries from 4 to 7", 4)


def test_an_entry_that_was_inserted() -> None:
    log = a_log()
    log.leaves.insert(5, leaf_of(an_entry(5, reason="never happened")))
    del log.leaves[-1]
    assert_invalid(judged(log), "of the entries from 4 to 7", 4)


def test_entries_that_were_cut_off() -> None:
    files = a_log().export()
    lines = files[export.ENTRIES].splitlines(keepends=True)
    found = verify(InMemory({**files, export.ENTRIES: b"".join(lines[:10])}), KNOWN)
    assert_invalid(found, "the entries end where entry 10 should be", 10)
    found = verify(InMemory({**files, export.ENTRIES: b"".join(lines)[:-1]}), KNOWN)
    assert_invalid(found, "line 12 does not end", 11)


def test_entries_beyond_the_checkpoint() -> None:
    log = a_log()
    files = log.export()
    files[export.ENTRIES] += export.entry_line(12, leaf_of(an_entry(12))) + b"\n"
    assert_invalid(verify(InMemory(files), KNOWN), "more entries than the 12 that were signed", 12)


def test_a_whole_log_under_a_key_of_ones_own() -> None:
    own = SigningKey.from_seed(ORIGIN, bytes(32))
    log = Log([own])
    log.append(of_key(BEGUN, own, 0), an_entry(1))
    log.checkpoint()
    assert_invalid(judged(log), "nor a key that it vouches for has signed", None, export.CHECKPOINT)


def test_a_key_that_the_entries_do_not_name() -> None:
    log, own = a_log(), SigningKey.from_seed(ORIGIN, bytes(32))
    log.signing = [LOG_KEY, own]
    log.append(an_entry(12))
    log.checkpoint()
    found = judged(log)
    assert_invalid(found, "a key that keys.json does not name", None, export.CHECKPOINTS)
    files = log.export()
    keys = export.keys_of(files[export.KEYS])
    keys.log._add(12, own.verifier)
    found = verify(InMemory({**files, export.KEYS: keys.body()}), KNOWN)
    assert_invalid(found, "are not as the entries say", None, export.KEYS)


# Who has a signing key.


def test_an_old_checkpoint_tells_that_history_was_written_anew() -> None:
    old, new = a_log(), a_log()
    new.leaves[5] = leaf_of(an_entry(5, reason="another reason"))
    new.notes.clear()
    new.append(an_entry(12))
    new.checkpoint()
    assert judged(new).state == "CONSISTENT, UNWITNESSED"
    found = judged(new, KNOWN._replace(since=old.notes[-1]))
    assert_invalid(found, "it has forked", 0, export.CHECKPOINTS)
    assert found.fork is not None
    sizes = [each.size for each in check_fork(read_fork(found.fork.body()), verifiers(LOG_KEY))]
    assert sizes == [12, 13]


def test_what_history_was_written_anew_is_before_the_old_checkpoint_wherever_new_ones_agree() -> None:
    """Entry 6 is dropped, and everything from there on signed anew: checkpoints that agree were made to."""
    for every in (1, 4):
        old, new = a_log(), Log()
        for leaf in (*old.leaves[:6], *old.leaves[7:], leaf_of(an_entry(12))):
            new.leaves.append(leaf)
            if not len(new.leaves) % every or len(new.leaves) == 11:
                new.checkpoint()
        new.append(an_entry(13))
        new.checkpoint()
        assert judged(new).state == "CONSISTENT, UNWITNESSED"
        found = judged(new, KNOWN._replace(since=old.notes[-1]))
        assert_invalid(
            found, "the log signed a tree of 12 entries that its later history contradicts", 0, export.CHECKPOINTS
        )
        assert at_fault(found) == (0, 11)
        part = judged(new, KNOWN._replace(since=old.notes[-1]), 4, None) if every == 4 else found
        assert at_fault(part) == (0, 11)


def test_the_verdict_says_between_which_entries_the_fault_lies() -> None:
    """Between two checkpoints where they say it; one entry where it is that one; those that were cut off."""
    log = a_log()
    log.leaves[5] = leaf_of(an_entry(5, reason="another reason"))
    assert at_fault(judged(log)) == (4, 7)
    assert at_fault(judged(log, begin=4, end=8)) == (4, 7)
    files = a_log().export()
    files[export.ENTRIES] = files[export.ENTRIES].replace(b'"id":"case-5"', b'"id":"case-6"')
    assert at_fault(verify(InMemory(files), KNOWN)) == (5, 5)
    log = a_log()
    old = log.notes[-1]
    del log.leaves[8:], log.notes[-1]
    assert at_fault(judged(log, KNOWN._replace(since=old))) == (8, 11)
    assert at_fault(judged(a_log())) == (None, None)


def test_a_rollback_is_told_by_an_old_checkpoint() -> None:
    log = a_log()
    old = log.notes[-1]
    del log.leaves[8:], log.notes[-1]
    assert judged(log).state == "CONSISTENT, UNWITNESSED"
    found = judged(log, KNOWN._replace(since=old))
    assert_invalid(found, "the log was rolled back: it had 12 entries then, and has 8 now", 8, export.CHECKPOINT)


def test_two_checkpoints_of_one_size_are_a_fork_and_its_proof_goes_anywhere() -> None:
    log, other = a_log(), a_log()
    other.leaves[9] = leaf_of(an_entry(9, reason="as others saw it"))
    log.notes.append(other.checkpoint())
    found = judged(log)
    assert_invalid(found, "two checkpoints of 12 entries differ: the log has forked", None, export.CHECKPOINTS)
    assert found.fork is not None
    assert [each.size for each in check_fork(found.fork, verifiers(LOG_KEY))] == [12, 12]
    with pytest.raises(ProofRefused, match="no key that is known signed both"):
        check_fork(found.fork, verifiers(NEXT_KEY))


def test_a_published_checkpoint_that_the_later_history_contradicts_is_a_fork() -> None:
    log = a_log()
    log.leaves[5] = leaf_of(an_entry(5, reason="as others saw it"))
    log.notes.pop()
    log.checkpoint()
    found = judged(log)
    assert_invalid(
        found, "the log signed a tree of 8 entries that its later history contradicts", 0, export.CHECKPOINTS
    )
    assert found.fork is not None
    assert [each.size for each in check_fork(found.fork, verifiers(LOG_KEY))] == [8, 12]


def test_what_is_no_fork() -> None:
    log = a_log()
    proof = judged_fork(log)
    with pytest.raises(ProofRefused, match="the two checkpoints agree"):
        check_fork(msgspec.structs.replace(proof, larger=proof.smaller), verifiers(LOG_KEY))
    honest = msgspec.structs.replace(
        proof,
        smaller=log.notes[0].body().decode(),
        larger=log.notes[1].body().decode(),
        begin=texts(log, 0, 4),
        rest=texts(log, 4, 8),
    )
    with pytest.raises(ProofRefused, match="begins with the smaller one"):
        check_fork(honest, verifiers(LOG_KEY))
    with pytest.raises(ProofRefused, match="do not lead to the root"):
        check_fork(msgspec.structs.replace(honest, rest=texts(log, 0, 4)), verifiers(LOG_KEY))
    with pytest.raises(ProofRefused, match="no base64"):
        check_fork(msgspec.structs.replace(honest, rest=["?"]), verifiers(LOG_KEY))
    swapped = msgspec.structs.replace(honest, smaller=honest.larger, larger=honest.smaller)
    with pytest.raises(ProofRefused, match="comes first"):
        check_fork(swapped, verifiers(LOG_KEY))
    with pytest.raises(InvalidNote, match="no proof of a fork"):
        read_fork(b"{}")


def judged_fork(log: Log):  # type: ignore[no-untyped-def]
    other = a_log()
    other.leaves[9] = leaf_of(an_entry(9, reason="as others saw it"))
    forked = changed(log, notes=[*log.notes, other.checkpoint()])
    return judged(forked).fork


def texts(log: Log, begin: int, end: int) -> list[str]:
    return [b64encode(each).decode() for each in log.range(begin, end).hashes]


def test_a_key_that_was_retired_signs_nothing_that_passes() -> None:
    log = a_rotated_log()
    log.append(an_entry(12))
    log.signing = [LOG_KEY]
    log.checkpoint()
    assert_invalid(judged(log), f"lacks the signature of {ORIGIN}", None, export.CHECKPOINTS)
    log.notes.pop()
    log.signing = [LOG_KEY, NEXT_KEY]
    log.checkpoint()
    assert_invalid(judged(log), "not in force at 13 entries", None, export.CHECKPOINTS)


def test_an_entry_before_the_rotation_that_was_signed_again_by_the_next_key() -> None:
    log = a_rotated_log()
    log.leaves[2] = leaf_of(an_entry(2, reason="another reason"))
    log.notes = log.notes[:1]
    log.signing = [NEXT_KEY]
    log.checkpoint()
    assert_invalid(judged(log), "nor a key that it vouches for", None, export.CHECKPOINT)
    found = judged(log, Trust(verifiers(NEXT_KEY)))
    assert_invalid(
        found, "the log signed a tree of 4 entries that its later history contradicts", 0, export.CHECKPOINTS
    )
    assert found.fork is not None
    check_fork(found.fork, verifiers(LOG_KEY, NEXT_KEY))
    log.notes = log.notes[1:]
    assert_invalid(judged(log), "nor a key that it vouches for", None, export.CHECKPOINT)
    assert_invalid(judged(a_rotated_log_signed_by_one()), "lacks the signature", None, export.CHECKPOINTS)


def a_rotated_log_signed_by_one() -> Log:
    log = a_log(4)
    log.append(of_key(KEY_ADDED, NEXT_KEY, 4))
    log.signing = [NEXT_KEY]
    log.checkpoint()
    return log


@pytest.mark.parametrize(
    ("action", "signing", "message"),
    [
        (KEY_ADDED, LOG_KEY, "is added twice"),
        (KEY_RETIRED, NEXT_KEY, "was not in force"),
        (KEY_RETIRED, LOG_KEY, "no other would sign"),
        (BEGUN, NEXT_KEY, "is the first entry of a log, and no other"),
        (KEY_ADDED, WITNESSES[0], "no key that signs checkpoints"),
    ],
)
def test_entries_about_keys_that_contradict_each_other(action: str, signing: SigningKey, message: str) -> None:
    log = a_log(4)
    files = log.export()
    log.append(of_key(action, signing, 4))
    log.checkpoint()
    lines = [export.entry_line(index, leaf) + b"\n" for index, leaf in enumerate(log.leaves)]
    notes = [export.checkpoint_line(*each) + b"\n" for each in enumerate(log.notes)]
    files |= {
        export.ENTRIES: b"".join(lines),
        export.CHECKPOINTS: b"".join(notes),
        export.CHECKPOINT: log.notes[-1].body(),
    }
    assert_invalid(verify(InMemory(files), KNOWN), message, 4)


# Who controls the clock.


def test_a_clock_that_was_set_back() -> None:
    log = a_log(8)
    log.append(an_entry(8, at(3)))
    log.checkpoint()
    assert_invalid(judged(log), "entry 8: the clock went back", 8)


def test_times_are_held_against_those_of_witnesses() -> None:
    log = a_log(8, witnesses=WITNESSES[:2])
    log.append(an_entry(8, at(8) + timedelta(minutes=6)))
    log.checkpoint(int(at(8).timestamp()))
    assert judged(log).state == "CONSISTENT, UNWITNESSED"
    assert_invalid(judged(log, changed_policy()), "entry 8 says it was logged at", 8)
    late = a_log(8, witnesses=WITNESSES[:2])
    late.notes.pop()
    late.checkpoint(int(at(9).timestamp()) + 400)
    late.append(an_entry(8, at(9)))
    late.checkpoint(int(at(9).timestamp()) + 401)
    assert_invalid(judged(late, changed_policy()), "had seen no such entry at", 8)


# Who changes the files.


def test_a_checkpoint_that_is_missing_among_the_others() -> None:
    files = a_log().export()
    lines = files[export.CHECKPOINTS].splitlines(keepends=True)
    found = verify(InMemory({**files, export.CHECKPOINTS: lines[0] + lines[2]}), KNOWN)
    assert_invalid(found, "line 2: checkpoint 2 where 1 should be", None, export.CHECKPOINTS)
    found = verify(InMemory({**files, export.CHECKPOINTS: b"".join(lines[:2])}), KNOWN)
    assert_invalid(found, "it is not the last of", None, export.CHECKPOINT)
    found = verify(InMemory({**files, export.CHECKPOINTS: b""}), KNOWN)
    assert_invalid(found, "checkpoints are missing: the file has 0", None, export.CHECKPOINTS)


@pytest.mark.parametrize("name", [export.KEYS, export.CHECKPOINT])
def test_a_file_that_is_missing(name: str) -> None:
    files = a_log().export()
    del files[name]
    assert_invalid(verify(InMemory(files), KNOWN), "the file is not there", None, name)


def test_a_key_that_is_there_twice() -> None:
    files = a_log(witnesses=WITNESSES[:1]).export()
    keys = export.keys_of(files[export.KEYS])
    twice = keys._replace(witnesses=keys.witnesses * 2)
    found = verify(InMemory({**files, export.KEYS: twice.body()}), KNOWN)
    assert_invalid(found, "a key is there twice", None, export.KEYS)


def test_checkpoints_of_a_log_that_went_back() -> None:
    log = a_log()
    log.notes[1], log.notes[0] = log.notes[0], log.notes[1]
    assert_invalid(judged(log), "went back from 8 entries to 4", None, export.CHECKPOINTS)


def test_a_checkpoint_of_another_log() -> None:
    log = a_log()
    other = Checkpoint("audit.example/other", 12, log.root(12)).signed(LOG_KEY)
    log.notes[-1] = other
    assert_invalid(judged(log), "it is of the log audit.example/other", None, export.CHECKPOINTS)
    found = judged(a_log(), KNOWN._replace(since=other))
    assert_invalid(found, "it is of the log audit.example/other", None, "the earlier checkpoint")


def test_a_range_that_does_not_fit() -> None:
    files, whole = a_log().export(4, 8), a_log()
    body = files[export.RANGE]
    cases = [
        (body.replace(b'"begin": 4', b'"begin": 3'), "need 2 hashes"),
        (body.replace(b'"size": 12', b'"size": 13'), "hashes"),
        (body.replace(b"{", b"{ ", 1), "written in another way"),
        (b"{}", "missing required field"),
        (whole_range(whole), "has no such file"),
    ]
    for wrong, message in cases:
        assert_invalid(verify(InMemory({**files, export.RANGE: wrong}), KNOWN), message, None, export.RANGE)
    found = verify(InMemory({**files, export.RANGE: body.replace(b"0,\n", b"1,\n", 1)}), KNOWN)
    assert_invalid(found, "line 1: checkpoint 0 where 1 should be", None, export.CHECKPOINTS)


def whole_range(log: Log) -> bytes:
    return export.Part(log.range(0, 0), log.range(12, 12)).body()
