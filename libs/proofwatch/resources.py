"""Where the files that are not Python lie: beside the sources in a checkout, inside the package in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


class ResourceMissing(FileNotFoundError):
    """The installation is incomplete: stop at start-up."""


def schemas() -> Path:
    """Return the directory that holds `events/`, `topics/` and `examples/`. Raises `ResourceMissing`."""
    return _locate("schemas", "schemas")


def migrations() -> Path:
    """Return the directory of the SQL migrations. Raises `ResourceMissing`."""
    return _locate("deploy/migrations", "migrations")


def env_example() -> Path:
    """Return the file that documents every variable. Raises `ResourceMissing`."""
    return _locate(".env.example", "env.example")


def policies() -> Path:
    """Return the directory of the policy profiles that ship with the package. Raises `ResourceMissing`."""
    return _existing(_PACKAGE / "governance" / "policies")


def _locate(in_checkout: str, in_wheel: str) -> Path:
    # A wheel never has pyproject.toml two levels up; a checkout always does, and then the working copy counts.
    if (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / in_checkout).exists():
        return _CHECKOUT / in_checkout
    return _existing(_PACKAGE / "data" / in_wheel)


def _existing(path: Path) -> Path:
    if not path.exists():
        msg = f"{path} is missing: reinstall proofwatch, or run it from a complete checkout"
        raise ResourceMissing(msg)
    return path
