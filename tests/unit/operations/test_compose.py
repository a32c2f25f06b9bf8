"""docker-compose.yml, .env.example and the settings know the same variables, and no container can fill the host."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE, COMPOSE = ((ROOT / name).read_text() for name in (".env.example", "docker-compose.yml"))


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    """The script that `make lint` runs."""
    spec = importlib.util.spec_from_file_location("settings_documented", ROOT / ".ci" / "settings_documented.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_ships_agrees(checker: ModuleType) -> None:
    """Every variable leads to a setting, and every setting to a variable or a reason."""
    assert checker.differences(EXAMPLE, COMPOSE) == []


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        (", *governance]\n    depends_on", "]\n    depends_on", "devices reads PROOFWATCH_KEYRING_FILE, which"),
        ("  PROOFWATCH_SMALL_CELL:\n", "", "windows reads PROOFWATCH_SMALL_CELL, which it does not get"),
        ("      PROOFWATCH_ROUTES_FILE:\n", "      PROOFWATCH_ROOTS_FILE:\n", "notifier gets PROOFWATCH_ROOTS_FILE"),
        ("redis:7.4.2", "redis:7", "redis runs redis:7; name an exact version or a digest"),
        ("    mem_limit: 3g", "    # mem_limit: 3g", "kafka has no mem_limit"),
        ("max-size: 20m, ", "", "scorer has no logging"),
        ("${KAFKA_PORT:-29092}:29092", "${BROKER_PORT:-29092}:29092", "BROKER_PORT is missing"),
    ],
)  # fmt: skip
def test_each_kind_of_difference_is_named(checker: ModuleType, before: str, after: str, finding: str) -> None:
    """One edit to the file that ships, one sentence."""
    assert before in COMPOSE
    said = checker.differences(EXAMPLE, COMPOSE.replace(before, after))
    assert any(finding in sentence for sentence in said), said


def test_what_nothing_reads_is_not_documented(checker: ModuleType) -> None:
    """A variable that was renamed leaves no trace."""
    said = checker.differences(EXAMPLE + "\n#PROOFWATCH_GONE=1\n#OLD_PORT=2\n", COMPOSE)
    assert said == [".env.example: PROOFWATCH_GONE is read by nothing", ".env.example: OLD_PORT is read by nothing"]
