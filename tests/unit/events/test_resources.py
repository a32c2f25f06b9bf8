"""Files that are not Python are found in a checkout and in an installed wheel."""

from pathlib import Path

import pytest

from proofwatch import resources


def test_a_checkout_uses_its_own_files() -> None:
    """Whoever edits schemas/ or deploy/migrations/ sees the effect without installing anew."""
    root = Path(__file__).parents[3]

    assert resources.schemas() == root / "schemas"
    assert resources.policies() == root / "libs" / "proofwatch" / "governance" / "policies"
    assert resources.migrations() == root / "deploy" / "migrations"
    assert resources.env_example() == root / ".env.example"


def test_a_wheel_uses_the_files_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In site-packages there is no pyproject.toml two levels up, and a neighbour called schemas is not ours."""
    package = tmp_path / "lib" / "site-packages" / "proofwatch"
    for name in ("data/schemas", "data/migrations"):
        (package / name).mkdir(parents=True)
    (package / "data" / "env.example").touch()
    (tmp_path / "lib" / "schemas").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", package)
    monkeypatch.setattr(resources, "_CHECKOUT", package.parent.parent)

    assert resources.schemas() == package / "data" / "schemas"
    assert resources.migrations() == package / "data" / "migrations"
    assert resources.env_example() == package / "data" / "env.example"


def test_an_incomplete_installation_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing directory names itself and the remedy."""
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "a" / "proofwatch")
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path)

    with pytest.raises(resources.ResourceMissing, match="data/schemas is missing: reinstall proofwatch"):
        resources.schemas()
