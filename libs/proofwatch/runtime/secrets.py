"""Secrets: given as a variable, or as a file that the variable with the suffix _FILE names."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

SUFFIX: Final = "_FILE"
_MAX_BYTES: Final = 65_536
_MOUNTED: Final = (Path("/run/secrets"), Path("/var/run/secrets"))
"""Where Docker and Kubernetes mount secrets; nobody but the container's own user is there to read them."""


class InvalidSecretFile(ValueError):
    """A file that should hold a secret cannot be used; the message says which and why, never what it holds."""


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting holds a secret: `SecretStr`, or text that `repr` leaves out."""
    return not field.repr or _has_secret(field.annotation)


def _has_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_has_secret, get_args(annotation)))


def secret_of(name: str, environment: Mapping[str, str]) -> str | None:
    """Return a secret from the variable `name`, or from the file that `name`_FILE names; None: neither is given.

    An empty variable is as good as none. Raises `InvalidSecretFile`, also when both are given.
    """
    value, path = environment.get(name), environment.get(name + SUFFIX)
    if not path:
        return value or None
    if value:
        raise InvalidSecretFile(f"{name} and {name}{SUFFIX} are both given; keep one of them")
    try:
        return read_secret(Path(path))
    except InvalidSecretFile as error:
        raise InvalidSecretFile(f"{name}{SUFFIX}: {error}") from None


def read_secret(path: Path) -> str:
    """Return what a file holds, without one newline at its end. Raises `InvalidSecretFile`."""
    check_private(path)
    try:
        content = path.read_bytes()[: _MAX_BYTES + 1]
        text = content.decode("utf-8")
    except OSError as error:
        raise _unreadable(path, error) from None
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text or len(content) > _MAX_BYTES:
        raise InvalidSecretFile(f"{path} is no secret: it must be UTF-8 text of at most {_MAX_BYTES:,} bytes")
    text = text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")
    if not text.strip():
        raise InvalidSecretFile(f"{path} is empty; write the secret into it")
    return text


def check_private(path: Path) -> None:
    """Raise `InvalidSecretFile` unless `path` is a file that users outside its owner and group can neither read nor
    write; below /run/secrets they may read.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(found.st_mode):
        raise InvalidSecretFile(f"{path} is no regular file; give the path of the file that holds the secret")
    mounted = any(path.is_relative_to(place) for place in _MOUNTED)
    if found.st_mode & (stat.S_IWOTH if mounted else stat.S_IWOTH | stat.S_IROTH):
        mode = stat.S_IMODE(found.st_mode)
        raise InvalidSecretFile(
            f"{path} is open to every user of this machine (mode {mode:04o}); make it 0400 or 0440: chmod o-rwx {path}"
        )


def _unreadable(path: Path, error: OSError) -> InvalidSecretFile:
    reason = (error.strerror or type(error).__name__).lower()
    return InvalidSecretFile(f"{path} cannot be read ({reason}); give the path of a file that this user may read")
