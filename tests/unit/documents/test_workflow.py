"""The workflow runs what a contributor runs, on the interpreters that the package admits."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    """The only job."""
    [found] = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"].values()
    return dict(found)


def test_it_calls_make_test_and_nothing_else(job: dict[str, Any]) -> None:
    """What passes there passes here: no step that a contributor does not have."""
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test"]


def test_what_others_wrote_has_an_exact_version(job: dict[str, Any]) -> None:
    """A tag such as v5 moves."""
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@v\d+\.\d+\.\d+", each)] == []


def test_it_runs_the_oldest_interpreter_and_only_those_that_the_package_admits(job: dict[str, Any]) -> None:
    """`requires-python` and the matrix agree."""
    bounds = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"])
    assert bounds
    admitted = [f"3.{minor}" for minor in range(int(bounds[1]), int(bounds[2]))]
    tried = job["strategy"]["matrix"]["python"]
    assert tried[0] == admitted[0]
    assert set(tried) <= set(admitted)


def test_the_licence_that_is_named_is_the_one_in_the_tree() -> None:
    """The full text of the Apache License 2.0, in the package as well."""
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
