"""The committed types are what the schemas say."""

import json
import shutil
from pathlib import Path

import pytest

from proofwatch import resources
from proofwatch.events import generate
from proofwatch.events.codec import CODECS


def test_committed_types_are_generated_from_the_schemas_at_hand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` passes on this tree; otherwise somebody changed a schema or the module alone."""
    monkeypatch.setattr("sys.argv", ["generate", "--check"])

    assert generate.main() == 0, capsys.readouterr().err


def test_a_changed_schema_is_noticed_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` exits with 1, says what to run and shows the difference."""
    shutil.copytree(resources.schemas(), tmp_path / "schemas")
    path = tmp_path / "schemas" / "events" / "label.v1.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["authority"]["maximum"] = 7
    path.write_text(json.dumps(schema), encoding="utf-8")
    monkeypatch.setattr(resources, "schemas", lambda: tmp_path / "schemas")
    monkeypatch.setattr("sys.argv", ["generate", "--check"])

    assert generate.main() == 1

    shown = capsys.readouterr().err
    assert "run `python -m proofwatch.events.generate`" in shown
    assert "-    authority: Annotated[int, Meta(ge=0, le=100)]" in shown
    assert "+    authority: Annotated[int, Meta(ge=0, le=7)]" in shown


@pytest.mark.parametrize("event", CODECS)
def test_structs_are_frozen_closed_and_free_of_the_garbage_collector(event: str) -> None:
    """Nobody changes an event after decoding, nothing unknown slips in, and millions of events cost no collections."""
    config = CODECS[event].event.__struct_config__

    assert (config.frozen, config.forbid_unknown_fields, config.omit_defaults, config.gc) == (True, True, True, False)
