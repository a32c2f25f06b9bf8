"""Reference values from established packages: `vectors.json`, where every case states its source and tolerance.

`cases(kind)` parametrises one test per kind; `Case.holds` compares by the case's own tolerance.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

_FILE = Path(__file__).with_name("vectors.json")


@dataclass(frozen=True)
class Case:
    name: str
    kind: str
    input: dict[str, Any]
    expected: dict[str, Any]
    value: float
    relative: bool

    def near(self, got: Any, expected: Any, where: str = "") -> None:
        """Assert that `got` is `expected`: numbers within the tolerance, anything else exactly, of the same shape."""
        if isinstance(expected, Mapping):
            assert isinstance(got, Mapping), f"{where}: {got!r} is no mapping"
            assert set(got) == set(expected), where
            for key in expected:
                self.near(got[key], expected[key], f"{where}.{key}")
        elif isinstance(expected, (bool, str)) or expected is None:
            assert got == expected, f"{where}: {got!r} is not {expected!r}"
        elif isinstance(expected, Sequence):
            got = list(got)
            assert len(got) == len(expected), f"{where}: {len(got)} values, expected {len(expected)}"
            for i, (one, other) in enumerate(zip(got, expected, strict=True)):
                self.near(one, other, f"{where}[{i}]")
        else:
            allowed = self.value * max(1.0, abs(expected)) if self.relative else self.value
            assert abs(got - expected) <= allowed, f"{where}: {got!r} is not {expected!r}"

    def holds(self, got: Mapping[str, object]) -> None:
        """Assert every expected value; what the function says besides is not judged here."""
        for key, expected in self.expected.items():
            assert key in got, f"{self.name}: {key} is missing"
            self.near(got[key], expected, key)


@lru_cache(maxsize=1)
def _all() -> tuple[Case, ...]:
    read = json.loads(_FILE.read_text(encoding="utf-8"))["cases"]
    return tuple(
        Case(c["name"], c["kind"], c["input"], c["expected"], c["tolerance"]["value"], c["tolerance"]["relative"])
        for c in read
    )


def kinds() -> set[str]:
    return {case.kind for case in _all()}


def cases(kind: str) -> pytest.MarkDecorator:
    """Parametrise a test's argument `case` with every case of a kind; there must be one."""
    found = [case for case in _all() if case.kind == kind]
    assert found, f"no case of kind {kind!r}"
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in found])
