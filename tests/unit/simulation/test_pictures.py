"""Pictures of simulated transactions: a function of seed and id, and what the event announces."""

import io
from dataclasses import replace
from hashlib import sha256

import msgspec
from PIL import Image

from proofwatch.events import topics
from proofwatch.events.types import Transaction
from proofwatch.simulation.pictures import HEIGHT, MEDIA_TYPE, WIDTH, digest, picture
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate

DAY = Scenario(events=200, seed=3, malformed=0, pictures=True)


def test_a_picture_is_a_function_of_seed_and_transaction() -> None:
    """The same bytes on every machine: this one is known."""
    assert picture(7, "t-000000001") == picture(7, "t-000000001")
    assert digest(7, "t-000000001") == sha256(picture(7, "t-000000001")).hexdigest()
    assert digest(7, "t-000000001") == "5905f7230095815d0a2f1203000bd55cc1b3090f48cb06b669eaaad0f182e1ec"
    others = {digest(seed, f"t-{number:09d}") for seed in (7, 8) for number in range(500)}
    assert len(others) == 1_000


def test_it_is_a_png_that_a_strict_reader_takes() -> None:
    """Every pixel is there, with more than a few colours."""
    for number in range(24):
        image = Image.open(io.BytesIO(picture(7, f"t-{number:09d}")), formats=["PNG"])
        image.load()
        assert image.size == (WIDTH, HEIGHT)
        assert len(image.convert("RGB").getcolors() or []) >= 6


def test_events_announce_what_is_drawn_where_the_scenario_has_pictures() -> None:
    """Digest and type of the picture of that very transaction; nothing else of the day is another."""
    with_pictures, without = list(simulate(DAY)), list(simulate(replace(DAY, pictures=False)))
    assert len(with_pictures) == len(without)
    for announced, plain in zip(with_pictures, without, strict=True):
        if announced.topic != topics.TRANSACTIONS:
            assert announced == plain
            continue
        event, silent = (msgspec.json.decode(each.value or b"", type=Transaction) for each in (announced, plain))
        assert event.imagery_sha256 == digest(DAY.seed, event.transaction_id)
        assert event.imagery_media_type == MEDIA_TYPE
        assert msgspec.structs.replace(event, imagery_sha256=None, imagery_media_type=None) == silent
        assert silent.imagery_sha256 is None
