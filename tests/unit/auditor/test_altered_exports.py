"""Exports that were altered on purpose: a verdict or one sentence, and never a traceback."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from proofwatch.audit import export
from proofwatch.audit.entry import BEGUN, Actor, Object
from proofwatch.audit.note import sign
from proofwatch.audit.verify import verify
from proofwatch.plain import printable
from services.auditor.adapters.log_reader import index_of
from services.auditor.commands.files import Folder
from services.cli import main
from tests.unit.audit.a_log import LOG_KEY, ORIGIN, InMemory, Log, a_log, an_entry, of_key
from tests.unit.audit.test_mutations import KNOWN

DEEP = b"[" * 100_000
HUGE = b"9" * 6000
"""More digits than Python turns into a number (4,300)."""
FILES = (export.ENTRIES, export.KEYS, export.CHECKPOINT, export.CHECKPOINTS)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _dangling(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.parent / "nowhere")


def _loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "export"
    path.mkdir()
    for name, body in a_log().export().items():
        (path / name).write_bytes(body)
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["audit", *map(str, arguments)])
    return code, *capsys.readouterr()


@pytest.mark.parametrize("name", [*FILES, export.RANGE])
def test_a_file_that_is_nested_thousands_deep_is_invalid(name: str) -> None:
    """Whatever a reader raises at it."""
    files = a_log().export()
    assert verify(InMemory({**files, name: DEEP}), KNOWN).state == "INVALID"
    assert verify(InMemory({**files, name: DEEP + b"\n"}), KNOWN).state == "INVALID"


def test_a_line_whose_entry_or_leaf_is_nested_thousands_deep_names_its_entry() -> None:
    """The line is JSON as far as it goes."""
    files = a_log().export()
    lines = files[export.ENTRIES].splitlines(keepends=True)
    closed = DEEP + b"]" * len(DEEP)
    for leaf in (b"", base64.b64encode(closed)):
        lines[2] = b'{"index":2,"leaf":"' + leaf + b'","entry":' + closed + b"}\n"
        verdict = verify(InMemory({**files, export.ENTRIES: b"".join(lines)}), KNOWN)
        assert (verdict.state, verdict.entry) == ("INVALID", 2)


@pytest.mark.parametrize("add", [b"x", b"\0", b"{", None])
def test_a_last_line_that_does_not_end_names_its_entry(add: bytes | None) -> None:
    """Cut off, or a byte too much."""
    files = a_log().export()
    body = files[export.ENTRIES]
    verdict = verify(InMemory({**files, export.ENTRIES: body[:-1] if add is None else body + add}), KNOWN)
    assert (verdict.state, verdict.entry) == ("INVALID", 11 if add is None else 12)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("alter", [_folder, _dangling, _loop])
def test_what_is_no_file_is_said_in_a_sentence(
    folder: Path, name: str, alter: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no export, so there is no verdict."""
    alter(folder / name)
    code, out, err = said(capsys, "verify", folder)
    assert (code, out) == (2, "")
    assert f"{name} cannot be read as a file" in err


def test_a_range_that_leads_nowhere_is_not_passed_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _dangling(folder / export.RANGE)
    code, _, err = said(capsys, "verify", folder)
    assert code == 2
    assert export.RANGE in err


def test_reading_one_is_a_sentence_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`show` and `search` read what they are given as it stands."""
    lines = (folder / export.ENTRIES).read_bytes().splitlines(keepends=True)
    (folder / export.ENTRIES).write_bytes(b'{"index":0,"leaf":"","entry":' + DEEP + b"\n" + b"".join(lines[1:]))
    for arguments in (("show", "3"), ("search",)):
        code, out, err = said(capsys, *arguments, "--run", folder)
        assert (code, out) == (2, "")
        assert "line 1 of entries.jsonl" in err


def test_a_line_that_never_ends_fills_no_memory(folder: Path) -> None:
    """Whoever hands an export over chooses how long its lines are; one longer than any entry comes in pieces."""
    with (folder / export.ENTRIES).open("r+b") as file:
        file.truncate(64 << 20)
    assert max(map(len, Folder(folder).lines(export.ENTRIES))) <= 4 << 20
    assert verify(Folder(folder), KNOWN).state == "INVALID"


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_no_entry_acts_on_the_terminal_of_who_reads_it(
    tmp_path: Path, as_json: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Names are what whoever enters says: one that moves the cursor up would hide the entry before it."""
    log = Log()
    acting = "\x1b[1A\x1b[2K\x9b2J\u202e\u2028\r\nx"
    named = replace(an_entry(1, reason=acting), objects=(Object("case", acting),), actor=Actor("person", acting))
    log.append(of_key(BEGUN, LOG_KEY, 0), named)
    log.checkpoint()
    for name, body in log.export().items():
        (tmp_path / name).write_bytes(body)
    for arguments, lines in ((("search", *as_json), 2), (("show", "1"), None)):
        code, out, _ = said(capsys, *arguments, "--run", tmp_path)
        assert code == 0
        assert out == printable(out)
        assert lines in (None, len(out.splitlines()))
        if arguments[0] == "show":
            assert json.loads(out)["reason"] == acting


@pytest.mark.parametrize("wanted", ["9" * 5_000, "9" * 19, "٣", "-1", "1.0"])
def test_an_index_that_no_log_has_is_not_found(folder: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert index_of(wanted) is None or index_of(wanted) == int(wanted) < 2**63
    code, out, err = said(capsys, "show", f"--run={folder}", "--", wanted)
    assert (code, out) == (2, "")
    assert "the log has no entry" in err


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_lists_nothing_is_refused(folder: Path, limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["audit", "search", f"--run={folder}", f"--limit={limit}"])
    assert ended.value.code == 2
    assert "--limit" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*FILES, export.RANGE])
def test_a_number_of_thousands_of_digits_is_invalid_wherever_it_stands(name: str) -> None:
    """One size, index or version after another, in notes as in JSON."""
    files = a_part()
    places = list(re.finditer(rb"(?<=[:\n ])[0-9]+(?=[,\n}\\])|(?<=\\n)[0-9]+(?=\\n)", files[name]))
    assert places
    for place in places[:6]:
        body = files[name][: place.start()] + HUGE + files[name][place.end() :]
        assert verify(InMemory({**files, name: body}), KNOWN).state == "INVALID"


def test_a_checkpoint_of_thousands_of_digits_that_a_key_of_the_log_signed_is_invalid() -> None:
    """Who holds the key may sign nonsense; it is read after the signature holds."""
    files = a_log().export()
    long = sign(f"{ORIGIN}\n{HUGE.decode()}\n{base64.b64encode(bytes(32)).decode()}\n", LOG_KEY)
    line = export.checkpoint_line(0, long) + b"\n"
    changed = {**files, export.CHECKPOINTS: line, export.CHECKPOINT: long.body()}
    assert verify(InMemory(changed), KNOWN).state == "INVALID"


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_place_that_no_log_has_is_refused_before_anything_is_asked(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for wanted in (HUGE.decode(), str(2**63), "²"):
        with pytest.raises(SystemExit) as ended:
            main(["audit", "export", "--out", "x", option, wanted, "--by", "x"])
        assert ended.value.code == 2
        assert "must be a whole number, from 0 to" in capsys.readouterr().err


def a_part() -> dict[str, bytes]:
    return a_log().export(3, 8)
