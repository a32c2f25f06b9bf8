"""The reference values are all in use, and the comparison with them can fail."""

import re
from pathlib import Path

import pytest

from tests.unit.biometrics.vectors import Case, kinds


def test_every_kind_of_reference_value_has_its_test() -> None:
    """A case that nobody reads proves nothing."""
    used = {
        kind
        for file in Path(__file__).parent.glob("test_*.py")
        for kind in re.findall(r'^@cases\("(\w+)"\)', file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert used == kinds()


@pytest.mark.parametrize(
    ("got", "expected"),
    [(1.1, 1.0), ([1.0], [1.0, 2.0]), ({"a": 1.0}, {"b": 1.0}), (False, True), (1.0, None), ("FAIL", "PASS")],
)
def test_what_differs_is_told(got: object, expected: object) -> None:
    """Beyond the tolerance, of another shape, of another name."""
    case = Case("c", "k", {}, {"figure": expected}, 0.05, relative=False)
    with pytest.raises(AssertionError):
        case.holds({"figure": got})
    with pytest.raises(AssertionError):
        case.holds({})


def test_tolerances_are_absolute_or_relative() -> None:
    """Relative ones never become tighter than the value itself."""
    absolute, relative = (Case("c", "k", {}, {"figure": 100.0}, 0.05, relative=r) for r in (False, True))
    relative.holds({"figure": 104.0})
    with pytest.raises(AssertionError):
        absolute.holds({"figure": 104.0})
