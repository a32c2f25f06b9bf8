"""Private keys in files: made once, readable by their owner alone."""

import stat
import sys
from pathlib import Path

import yaml

from proofwatch.governance.signer import InvalidKey, Signer
from proofwatch.new_file import OWNER_ALONE, NotNew, write_new
from services.governance.governed_log import RequestRefused


def read_key(path: Path | None) -> Signer:
    """Return the key of a file. Raises `RequestRefused`, also when others may read the file."""
    if path is None:
        raise RequestRefused("your key is needed: give --key FILE or PROOFWATCH_KEY_FILE")
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise RequestRefused(f"{path}: others may use it (mode {mode:04o}); right is: chmod 600 {path}")
        return Signer.from_pem(path.read_bytes())
    except OSError as error:
        raise RequestRefused(f"{path}: cannot be read ({error.strerror})") from None
    except InvalidKey as error:
        raise RequestRefused(f"{path}: {error}") from None


def make_key(person: str, path: Path | None) -> int:
    """Write a new key to a new file (mode 0600) and print what goes into the keyring; return the exit code."""
    path = path or Path(f"{person}.key")
    signer = Signer.generate()
    try:
        entry = signer.entry(person).model_dump(mode="json", exclude_defaults=True)
    except ValueError:
        raise RequestRefused(f"{person!r} is no name of a person; right is lower case such as a.lovelace") from None
    try:
        write_new(path, signer.pem(), OWNER_ALONE)
    except NotNew as error:
        raise RequestRefused(str(error)) from None
    sys.stdout.write(yaml.safe_dump({"people": [entry]}, sort_keys=False))
    sys.stderr.write(f"private key: {path} (never share it); add the lines above to the keyring of every scorer\n")
    return 0
