"""Values that are put right: rounding at the bounds of a score, and descriptions that do not fit."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch import resources
from proofwatch.biometrics import spellings
from proofwatch.events import types
from proofwatch.events.codec import LabelCodec, TransactionCodec
from proofwatch.events.mending import ROUNDING
from proofwatch.events.rejected import Rejected

EXAMPLES = resources.schemas() / "examples"
FULL: dict[str, Any] = json.loads((EXAMPLES / "transaction/full.json").read_text(encoding="utf-8"))
LABEL: dict[str, Any] = json.loads((EXAMPLES / "label/minimal.json").read_text(encoding="utf-8"))


def read(**changes: Any) -> tuple[types.Transaction, dict[str, int]]:
    codec = TransactionCodec()
    return codec.decode(msgspec.json.encode(FULL | changes)), dict(codec.mended)


def label(**changes: Any) -> tuple[types.Label, dict[str, int]]:
    codec = LabelCodec()
    return codec.decode(msgspec.json.encode(LABEL | changes)), dict(codec.mended)


@pytest.mark.parametrize("name", ["match_score", "liveness_score"])
@pytest.mark.parametrize(
    ("score", "right"),
    [(1.0000001192092896, 1.0), (1 + ROUNDING, 1.0), (-1e-12, 0.0), (-ROUNDING, 0.0), (5e-324, 5e-324), (1.0, 1.0)],
)
def test_a_score_that_left_its_range_by_rounding_is_the_bound(name: str, score: float, right: float) -> None:
    """A cosine of 1.0000001 is a perfect match, and its transaction a transaction."""
    event, mended = read(**{name: score})
    assert getattr(event, name) == right
    assert mended == ({} if score == right else {name: 1})


@pytest.mark.parametrize("score", [1 + 1.1e-6, 1.01, 93.5, -1.1e-6, -1, 2, "0.93", True, 10**400])
def test_a_score_that_is_truly_outside_is_refused_with_what_would_be_right(score: Any) -> None:
    """A distance or a percentage must not become a perfect match."""
    value = msgspec.json.encode(FULL | {"match_score": 0.123}).replace(b"0.123", json.dumps(score).encode())
    with pytest.raises(Rejected) as refused:
        TransactionCodec().decode(value)
    assert refused.value.message == "$.match_score: must be a number ≥ 0 and ≤ 1"
    assert refused.value.__context__ is None


DESCRIPTIONS = [
    ({"device": {"model": "Handset " + "Ultra " * 12}}, "device.model", {"model": ("Handset " + "Ultra " * 12)[:64]}),
    ({"device": {"model": "M", "os": ""}}, "device.os", {"model": "M"}),
    ({"device": {"os_version": 14}}, "device.os_version", {}),
    ({"device": {"sdk_version": ["4"]}}, "device.sdk_version", {}),
    ({"device": {"os": "an\0droid"}}, "device.os", {"os": "android"}),
    ({"device": {"ref": "r" * 257}}, "device.ref", {}),
    ({"device": {"ref": "r" * 256}}, None, {"ref": "r" * 256}),
    ({"device": {"model": "M", "manufacturer": "X", "cpu": 8}}, "device", {"model": "M"}),
    ({"device": "handset"}, "device", None),
    ({"matcher_version": 7}, "matcher_version", None),
    ({"matcher_version": ""}, "matcher_version", None),
    ({"pad_version": "v" * 65}, "pad_version", "v" * 64),
    ({"pad_version": ["a"]}, "pad_version", None),
    ({"timings": {"match_ms": -1, "upload_ms": 5}}, "timings.match_ms", {"upload_ms": 5.0}),
    ({"timings": {"match_ms": 1e9}}, "timings.match_ms", {}),
    ({"timings": {"match_ms": 2**80}}, "timings.match_ms", {}),
    ({"timings": {"match_ms": "12"}}, "timings.match_ms", {}),
    ({"timings": {"match_ms": True}}, "timings.match_ms", {}),
    ({"timings": [1]}, "timings", None),
    ({"segments": {f"s{n:02}": "a" for n in range(17)} | {"sex": "f"}}, "segments", None),
    ({"segments": {"sex": 1, "country": "IN"}}, "segments", {"country": "IN"}),
    ({"segments": {"sex": ""}}, "segments", None),
    ({"segments": {"sex": None}}, "segments", None),
    ({"segments": {"x" * 33: "a", "country": "v" * 65}}, "segments", {"country": "v" * 64}),
    ({"segments": "female"}, "segments", None),
    ({"imagery_ref": "no scheme"}, "imagery_ref", None),
    ({"imagery_ref": "s3://" + "x" * 600}, "imagery_ref", None),
    ({"imagery_ref": 7}, "imagery_ref", None),
    ({"imagery_sha256": "a" * 64}, None, "a" * 64),
    ({"imagery_sha256": None}, None, None),
    ({"imagery_media_type": "image/jpeg"}, None, "image/jpeg"),
    ({"imagery_media_type": "i" * 65}, "imagery_media_type", "i" * 64),
    ({"imagery_media_type": ""}, "imagery_media_type", None),
    ({"imagery_media_type": ["image/jpeg"]}, "imagery_media_type", None),
]


@pytest.mark.parametrize("digest", ["a" * 63, "a" * 65, "", 7, ["a" * 64], "sha256:" + "a" * 64, "\0" * 65])
def test_a_digest_that_cannot_be_one_costs_the_reference_too(digest: Any) -> None:
    """Upstream meant the imagery to be held against it; without one, anything found there would be shown."""
    event, mended = read(imagery_sha256=digest)
    assert (event.imagery_sha256, event.imagery_ref) == (None, None)
    assert mended == {"imagery_sha256": 1, "imagery_ref": 1}


@pytest.mark.parametrize(("changes", "field", "right"), DESCRIPTIONS, ids=lambda each: str(each)[:50])
def test_a_description_never_costs_the_transaction(
    changes: dict[str, Any], field: str | None, right: dict[str, Any] | str | None
) -> None:
    """It is cut or dropped, counted by field, and everything else stays as it was."""
    event, mended = read(**changes)
    (name,) = changes
    sent = msgspec.to_builtins(getattr(event, name))
    assert mended == ({field: 1} if field else {})
    if name != "segments" or right is not None:
        assert sent == right
    rest = {k: v for k, v in json.loads(TransactionCodec().encode(event)).items() if k != name}
    assert rest == {k: v for k, v in FULL.items() if k != name}


def test_of_too_many_segments_the_built_in_ones_stay_then_those_whose_names_sort_first() -> None:
    """Which stay depends on the names alone, not on how a producer orders its map."""
    many = {f"s{n:02}": "a" for n in range(20)} | {"sex": "f", "country": "IN"}
    backwards = dict(reversed(many.items()))
    kept = {"sex", "country", *(f"s{n:02}" for n in range(14))}
    assert read(segments=many)[0].segments == read(segments=backwards)[0].segments
    assert (read(segments=many)[0].segments or {}).keys() == kept


@pytest.mark.parametrize(
    "changes",
    [
        {"transaction_id": "x" * 257},
        {"subject_ref": ""},
        {"subject_ref": "a\0b"},
        {"tenant": "Acme"},
        {"occurred_at": "2026-01-15"},
        {"checks": ["iris"]},
        {"liveness_score": "high"},
        {"match_scor": 0.9},
    ],
    ids=str,
)
def test_what_judging_needs_is_never_guessed(changes: dict[str, Any]) -> None:
    """And the refusal speaks of it, not of the description beside it that could have been cut."""
    codec = TransactionCodec()
    with pytest.raises(Rejected) as refused:
        codec.decode(msgspec.json.encode(FULL | changes | {"device": {"model": "x" * 80}}))
    assert "model" not in refused.value.message
    assert not codec.mended


@pytest.mark.parametrize("field", ["transaction_id", "subject_ref"])
def test_identifiers_of_256_characters_are_read(field: str) -> None:
    """A SHA-512 in hexadecimal is 128, with a prefix it is more."""
    assert getattr(read(**{field: "x" * 256})[0], field) == "x" * 256


WRONG = st.sampled_from(
    [None, True, -1, 0, 1.5, "", "zqx", "x" * 2000, [], {}, ["z"], {"zqx": "z"}, {"sex": 7}, "a\0b"]
)


@given(st.dictionaries(st.sampled_from(["device", "timings", "segments", "imagery_ref"]), WRONG))
def test_whatever_describes_the_transaction_is_judged_and_the_same_bytes_give_the_same(changes: dict[str, Any]) -> None:
    """Put right once, nothing is left to put right; the order in which values came before does not matter."""
    event, mended = read(**changes)
    assert read(**changes) == (event, mended)
    codec = TransactionCodec()
    assert codec.decode(codec.encode(event)) == event
    assert codec.mended == Counter()


@pytest.mark.parametrize(
    ("pair", "right"),
    [(spelling, word) for word, all_of_it in spellings.PAIRS.items() for spelling in all_of_it]
    + [("Genuine", "genuine"), (" NON_MATED ", "impostor"), ("nonmated", "impostor"), ("Same-Person", "genuine")],
)
def test_a_pair_is_read_in_its_common_spellings(pair: str, right: str) -> None:
    """Mated or genuine, non-mated or impostor: a label in the standard's own words is a label."""
    assert label(pair=pair)[0].pair == right


@pytest.mark.parametrize(
    ("presentation", "right"),
    [(spelling, word) for word, all_of_it in spellings.PRESENTATIONS.items() for spelling in all_of_it]
    + [("Bona-Fide", "bona_fide"), ("bonafide", "bona_fide"), ("SPOOF", "attack")],
)
def test_a_presentation_is_read_in_its_common_spellings(presentation: str, right: str) -> None:
    """Bona fide or live, attack or spoof."""
    assert label(presentation=presentation)[0].presentation == right


def test_the_schemas_words_are_no_news() -> None:
    """What is written as the schema has it is not counted."""
    assert label(pair="genuine", presentation="attack", pai_species="print")[1] == {}
    assert label(pair="", presentation="Live")[1] == {"pair": 1, "presentation": 1}
    assert label(pair="")[0].pair is None


@pytest.mark.parametrize("pair", ["1", "yes", "maybe", 1, True])
def test_another_word_is_refused_with_those_that_are_read(pair: Any) -> None:
    """And what it was stays out of the message."""
    with pytest.raises(Rejected, match=r"\$\.pair: must be genuine \(or mated, .*impostor") as refused:
        label(pair=pair)
    assert "maybe" not in refused.value.message


@pytest.mark.parametrize(
    ("species", "right"), [("s" * 80, "s" * 64), (7, None), ("", ""), ("ma\0sk", "mask"), (["print"], None)]
)
def test_a_species_never_costs_the_label(species: Any, right: str | None) -> None:
    """Cut to 64 characters; what is no text is an unknown species."""
    assert label(presentation="attack", pai_species=species)[0].pai_species == right


def test_a_probability_that_left_its_range_by_rounding_is_one() -> None:
    """π = 1.0000001 is certainty; π = 0 stays refused, for nothing can be weighted by it."""
    assert label(sampling_probability=1.0000001)[0].sampling_probability == 1.0
    for wrong in (0, -1e-9, 1.1):
        with pytest.raises(Rejected, match="sampling_probability"):
            label(sampling_probability=wrong)


@pytest.mark.parametrize(
    ("said", "attack_class"),
    [
        ({"presentation": "injection attack"}, "injection"),
        ({"presentation": "Injected", "attack_class": None}, "injection"),
        ({"presentation": "attack", "attack_class": "Digital Injection"}, "injection"),
        ({"presentation": "spoof", "attack_class": "PA"}, "presentation"),
        ({"presentation": "injection", "attack_class": "presentation"}, "presentation"),
        ({"presentation": "attack"}, None),
    ],
)
def test_an_injection_is_an_attack_of_another_class(said: dict[str, Any], attack_class: str | None) -> None:
    """However it is spelled, and in whichever of the two fields; what `attack_class` says goes first."""
    event, _ = label(**said)
    assert (event.presentation, event.attack_class) == ("attack", attack_class)


def test_another_attack_class_is_refused_with_those_that_are_read() -> None:
    """A misspelled injection must not become a presentation attack in silence."""
    with pytest.raises(Rejected) as refused:
        label(presentation="attack", attack_class="injecton")
    assert refused.value.message.startswith("$.attack_class: must be presentation (or presentation attack,")
