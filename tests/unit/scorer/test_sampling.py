"""The label sample: its share is what it says, whatever ids look like, and nobody without the key can tell it."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from uuid import uuid5

import pytest
from scipy.stats import binom, binomtest

from proofwatch.events.codec import LABEL_REQUEST
from proofwatch.events.identity import NAMESPACE, derived_id
from services.scorer.core.sampling import Sampler, label_request
from tests.unit.scorer.samples import transaction

KEY = b"0123456789abcdef"
IDS: dict[str, Callable[[int], str]] = {
    "sequential": lambda n: f"tx-{n}",
    "padded": lambda n: f"{n:012}",
    "every thousandth": lambda n: str(n * 1_000),
    "random": lambda n: str(uuid5(NAMESPACE, str(n))),
    "long and alike": lambda n: "a" * 100 + f"{n:x}",
}


def chosen(share: float, of: Callable[[int], str], count: int, key: bytes = KEY) -> list[int]:
    sampler = Sampler(key, share)
    return [n for n in range(count) if sampler.chooses("acme", of(n))]


@pytest.mark.parametrize("of", IDS.values(), ids=IDS)
@pytest.mark.parametrize("share", [0.01, 0.25])
def test_the_share_is_the_probability_whatever_the_ids_look_like(of: Callable[[int], str], share: float) -> None:
    """Two-sided binomial test over 40,000 ids; the key is fixed, so this either always holds or never."""
    count = 40_000
    assert binomtest(len(chosen(share, of, count)), count, share).pvalue > 0.001


def test_what_is_chosen_of_a_sequence_has_no_pattern() -> None:
    """Gaps between chosen ids are geometric: as many neighbours, and as many long gaps, as chance gives."""
    found, share = chosen(0.1, IDS["sequential"], 60_000), 0.1
    gaps = [after - before for before, after in pairwise(found)]
    for longer in (1, 5, 20):
        expected = (1 - share) ** longer
        assert binomtest(sum(gap > longer for gap in gaps), len(gaps), expected).pvalue > 0.001


def test_the_probability_on_the_request_is_the_real_one() -> None:
    """Over many keys one and the same id is chosen as often as the request says; 2^-64 is the step."""
    share, keys = 0.2, 20_000
    hits = sum(Sampler(n.to_bytes(16, "big"), share).chooses("acme", "tx-1") for n in range(keys))
    low, high = binom.interval(0.999, keys, share)
    assert low <= hits <= high
    sampler = Sampler(KEY, share)
    assert abs(sampler.probability - share) <= 2**-64
    request = label_request(transaction(1), sampler.probability)
    assert request.inclusion_probability == sampler.probability
    assert request.request_id == derived_id("label-request", "acme", "tx-1")
    assert LABEL_REQUEST.decode(LABEL_REQUEST.encode(request)) == request


def test_all_and_none() -> None:
    """1 is everyone, 0 nobody."""
    assert len(chosen(1.0, IDS["sequential"], 500)) == 500
    assert chosen(0.0, IDS["sequential"], 500) == []
    assert not Sampler(KEY, 0.0)
    assert Sampler(KEY, 1e-18)


def test_another_key_or_tenant_chooses_others() -> None:
    """Who has not the key cannot tell; a tenant learns nothing about another."""
    mine = set(chosen(0.5, IDS["sequential"], 2_000))
    theirs = set(chosen(0.5, IDS["sequential"], 2_000, b"fedcba9876543210"))
    assert 400 < len(mine & theirs) < 600
    sampler = Sampler(KEY, 0.5)
    both = sum(sampler.chooses("acme", f"tx-{n}") and sampler.chooses("bank", f"tx-{n}") for n in range(2_000))
    assert 400 < both < 600


def test_every_process_chooses_the_same() -> None:
    """Python's own hash differs between processes; this must not."""
    code = (
        "from services.scorer.core.sampling import Sampler; s = Sampler(b'0123456789abcdef', 0.1); "
        "print([n for n in range(300) if s.chooses('acme', f'tx-{n}')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == str(chosen(0.1, IDS["sequential"], 300))


@pytest.mark.parametrize(("key", "share"), [(b"short", 0.1), (b"x" * 33, 0.1), (KEY, -0.1), (KEY, 1.1)])
def test_a_key_or_share_that_cannot_be_used_is_refused(key: bytes, share: float) -> None:
    """At start-up, with what would be right."""
    with pytest.raises(ValueError, match=r"must (have 16 to 32|be from 0 to 1)"):
        Sampler(key, share)


def test_many_tenants_are_bounded() -> None:
    """Names of tenants come from upstream."""
    sampler = Sampler(KEY, 0.5)
    before = sampler.chooses("acme", "tx-1")
    for n in range(65_540):
        sampler.chooses(f"t{n}", "x")
    assert len(sampler._secrets) < 65_536
    assert sampler.chooses("acme", "tx-1") == before
