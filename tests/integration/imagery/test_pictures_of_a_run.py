"""From the demo's folder to a picture that may be shown: reference, store, digest, renderer."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from proofwatch.governance.tenant import Tenant
from services.cli import main
from services.imagery.adapters.folder_store import FolderStore
from services.imagery.adapters.renderer import ProcessRenderer
from services.imagery.core.location import Location, locate
from services.imagery.core.marks import Watermark
from services.imagery.core.pictures import PictureRefused
from services.imagery.ports import NotThere, Renderer

pytestmark = pytest.mark.usefixtures("shared_server")
MARK = Watermark("dana.keller", "case-1", datetime(2026, 11, 26, 9, 41, tzinfo=UTC))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    assert main(["demo", "--events", "1500", "--headless", "--out", str(folder)]) == 0
    return folder


def sent(out: Path) -> dict[str, dict[str, Any]]:
    """Return the transactions of the run that can be read, by id."""
    found = {}
    for line in (out / "transactions.jsonl").read_bytes().splitlines():
        try:
            event = orjson.loads(line)
            found[event["transaction_id"]] = event
        except (orjson.JSONDecodeError, KeyError):
            continue
    return found


def place_of(event: dict[str, Any]) -> Location:
    settings = {
        "tenant": event["tenant"],
        "contract": {"state": "active", "from": "2026-01-01"},
        "time_zone": "UTC",
        "segments": [],
        "imagery": {"store": "folder", "bucket": "imagery", "prefix": f"{event['tenant']}/"},
    }
    return locate(event["imagery_ref"], Tenant.from_document(settings))


def flagged(out: Path) -> set[str]:
    return {path.name for path in (out / "imagery").rglob("*") if path.is_file()}


async def test_a_flagged_transactions_picture_is_shown(out: Path) -> None:
    """What the event announced is what lies there; another transaction's picture is refused."""
    events, store = sent(out), FolderStore("folder", out / "imagery")
    renderer: Renderer = ProcessRenderer()
    one, other = sorted(flagged(out))[:2]
    event = events[one]
    data = await store.fetch(place_of(event), 1_000_000)
    said = {"digest": event["imagery_sha256"], "media_type": event["imagery_media_type"]}
    assert (await renderer.render(data, MARK, blurred=False, **said)).media_type == "image/jpeg"
    with pytest.raises(PictureRefused) as caught:
        await renderer.render(await store.fetch(place_of(events[other]), 1_000_000), MARK, blurred=False, **said)
    assert caught.value.code == "digest_differs"


async def test_only_flagged_transactions_have_pictures(out: Path) -> None:
    """A few of hundreds; of the rest there is nothing to be opened. And those of an earlier run are gone."""
    events, store = sent(out), FolderStore("folder", out / "imagery")
    assert 0 < len(flagged(out)) < len(events) / 4
    clear = next(event for name, event in events.items() if name not in flagged(out))
    with pytest.raises(NotThere):
        await store.fetch(place_of(clear), 1_000_000)


def test_a_replay_has_none_and_leaves_none(out: Path, tmp_path: Path) -> None:
    """Somebody's own file has references of their own; the demo's pictures go when its folder is used again."""
    scores = tmp_path / "scores.csv"
    scores.write_text("transaction_id,match_score,pair\n" + "".join(f"t{n},0.3,genuine\n" for n in range(50)))
    assert main(["replay", str(scores), "--match-threshold", "0.7", "--out", str(out), "--headless"]) == 0
    assert flagged(out) == set()
    assert orjson.loads((out / "summary.json").read_bytes())["imagery"] is None, "nothing was flagged"
