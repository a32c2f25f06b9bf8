"""Where a reference may lead: into its tenant's bucket and prefix, and nowhere else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.governance.tenant import Tenant
from services.imagery.core.location import Code, Location, LocationRefused, Shared, locate, shared

PLACE = {"store": "main", "bucket": "harbour-imagery", "prefix": "proofs/2026/"}


def tenant(place: dict[str, str] | None = PLACE) -> Tenant:
    document: dict[str, Any] = {
        "tenant": "harbour-bank",
        "contract": {"state": "active", "from": "2026-01-01"},
        "time_zone": "UTC",
        "segments": [],
    }
    return Tenant.from_document(document | ({} if place is None else {"imagery": place}))


def refused(reference: str | None, of: Tenant | None = None) -> tuple[Code, str]:
    with pytest.raises(LocationRefused) as caught:
        locate(reference, of or tenant())
    return caught.value.code, str(caught.value)


GOOD = "s3://harbour-imagery/proofs/2026/"


def test_a_reference_into_the_tenants_place_is_an_object_of_its_store() -> None:
    """Store by name, bucket and key as they stand there."""
    assert locate(GOOD + "11/t-1.jpg", tenant()) == Location("main", "harbour-imagery", "proofs/2026/11/t-1.jpg")
    whole = tenant(PLACE | {"prefix": ""})
    assert locate("s3://harbour-imagery/t-1", whole) == Location("main", "harbour-imagery", "t-1")


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        (None, "no_reference"),
        ("", "no_reference"),
        ("http://harbour-imagery/proofs/2026/t", "other_scheme"),
        ("https://169.254.169.254/latest/meta-data", "other_scheme"),
        ("file:///etc/passwd", "other_scheme"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "other_scheme"),
        ("S3://harbour-imagery/proofs/2026/t", "other_scheme"),
        (" s3://harbour-imagery/proofs/2026/t", "other_scheme"),
        ("s3:/harbour-imagery/proofs/2026/t", "other_scheme"),
        ("s3+http://harbour-imagery/proofs/2026/t", "other_scheme"),
        ("/etc/passwd", "other_scheme"),
        ("//harbour-imagery/proofs/2026/t", "other_scheme"),
        ("s3://other-imagery/proofs/2026/t", "other_bucket"),
        ("s3://harbour-imagery-2/proofs/2026/t", "other_bucket"),
        ("s3://Harbour-Imagery/proofs/2026/t", "other_bucket"),
        ("s3://harbour-imagery.evil.example/proofs/2026/t", "other_bucket"),
        ("s3://harbour-imagery@evil.example/proofs/2026/t", "other_bucket"),
        ("s3://user:password@harbour-imagery/proofs/2026/t", "other_bucket"),
        ("s3://harbour-imagery:80/proofs/2026/t", "other_bucket"),
        ("s3://127.0.0.1/proofs/2026/t", "other_bucket"),
        ("s3://[::1]/proofs/2026/t", "other_bucket"),
        ("s3://harbour\u2010imagery/proofs/2026/t", "other_bucket"),
        ("s3:///proofs/2026/t", "other_bucket"),
        ("s3://harbour-imagery", "malformed"),
        ("s3://harbour-imagery/", "malformed"),
        ("s3://harbour-imagery//proofs/2026/t", "malformed"),
        (GOOD + "../../secret", "malformed"),
        (GOOD + "../2026/t", "malformed"),
        (GOOD + "./t", "malformed"),
        (GOOD + "a//t", "malformed"),
        (GOOD + "t/", "malformed"),
        (GOOD, "malformed"),
        (GOOD + "%2e%2e%2fsecret", "malformed"),
        (GOOD + "%2e%2e/secret", "malformed"),
        (GOOD + "a%2ft", "malformed"),
        (GOOD + "a%252ft", "malformed"),
        (GOOD + "a\\..\\t", "malformed"),
        (GOOD + "t?versionId=1", "malformed"),
        (GOOD + "t#x", "malformed"),
        (GOOD + "t\n", "malformed"),
        (GOOD + "t\x00.jpg", "malformed"),
        (GOOD + "t t", "malformed"),
        (GOOD + "\u2025/t", "malformed"),
        (GOOD + "\uff0e\uff0e/t", "malformed"),
        (GOOD + "x" * 512, "malformed"),
        ("s3://harbour-imagery/proofs/2027/t", "outside_prefix"),
        ("s3://harbour-imagery/proofs/2026", "outside_prefix"),
        ("s3://harbour-imagery/proofs/2026-other/t", "outside_prefix"),
        ("s3://harbour-imagery/t", "outside_prefix"),
        ("s3://harbour-imagery/PROOFS/2026/t", "outside_prefix"),
    ],
)
def test_whatever_leads_elsewhere_is_refused(reference: str | None, code: str) -> None:
    """With its code, and not repeated: a reference is personal, and perhaps an attack on who reads the log."""
    found, message = refused(reference)
    assert found == code
    assert not reference or len(reference) < 4 or reference not in message


def test_who_has_no_place_has_no_pictures() -> None:
    """Nothing is opened for a tenant whose settings name no store."""
    assert refused(GOOD + "t", tenant(None)) == ("no_store", "the settings of harbour-bank name no store for imagery")


@given(st.text(max_size=40) | st.text("./%\\s3:harbou-imgyp02@?#", max_size=40), st.booleans())
def test_whatever_is_let_through_lies_inside(text: str, inside: bool) -> None:
    """Bucket and prefix are the tenant's, and no part of the key means anything but itself."""
    try:
        found = locate((GOOD if inside else "s3://harbour-imagery/") + text, tenant())
    except LocationRefused:
        return
    assert found.bucket == PLACE["bucket"]
    assert found.key.startswith(PLACE["prefix"])
    assert not {"", ".", ".."} & set(found.key.split("/"))
    assert found.key.isascii()
    assert not set(found.key) & set("%\\?# \n")


def placed(name: str, prefix: str, bucket: str = "harbour-imagery", store: str = "main") -> Tenant:
    return tenant({"store": store, "bucket": bucket, "prefix": prefix}).model_copy(update={"tenant": name})


@pytest.mark.parametrize(
    ("one", "other"), [("", ""), ("", "a/"), ("a/", "a/"), ("a/", "a/b/c/"), ("a/b/", "a/"), ("2026/", "2026/11/")]
)
def test_two_tenants_in_one_place_or_one_within_the_others_are_named(one: str, other: str) -> None:
    """Whichever comes first; and a third between them hides nothing."""
    pair = [Shared("heron", "kestrel")]
    assert shared([placed("kestrel", one), placed("heron", other)]) == pair
    assert shared([placed("heron", other), tenant(None), placed("kestrel", one)]) == pair
    three = shared([placed("heron", other), placed("kestrel", one), placed("wren", other + "z/")])
    assert set(pair) < set(three)


def test_neighbours_share_nothing() -> None:
    """`a/` is not `ab/`, and the same folder of another bucket or store is another."""
    places = [placed("a", "a/"), placed("b", "ab/"), placed("c", "a/", "other-bucket"), placed("d", "a/", store="cold")]
    assert shared(places) == []
    assert shared([placed(f"t{n}", f"t{n}/") for n in range(500)]) == []


@given(
    st.lists(st.lists(st.sampled_from("ab"), max_size=3).map(lambda parts: "".join(f"{p}/" for p in parts)), max_size=7)
)
def test_every_pair_that_overlaps_is_found(prefixes: list[str]) -> None:
    """Against all pairs, one by one."""
    tenants = [placed(f"t{number}", prefix) for number, prefix in enumerate(prefixes)]
    wanted = {
        Shared(f"t{one}", f"t{other}")
        for other in range(len(prefixes))
        for one in range(other)
        if prefixes[one].startswith(prefixes[other]) or prefixes[other].startswith(prefixes[one])
    }
    assert set(shared(tenants)) == wanted
