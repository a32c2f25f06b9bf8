"""The folder of pictures of a run: drawn ones, of the transactions that were flagged and of no others."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from proofwatch.simulation.pictures import BUCKET, key

FOLDER: Final = "imagery"


def write_pictures(flagged: Iterable[tuple[str, str]], picture: Callable[[str], bytes] | None, out: Path) -> int:
    """Write `imagery/BUCKET/TENANT/ID` for these tenants and ids; return how many. `picture`: None, there are none.

    What an earlier run left there is removed.
    """
    bucket = out / FOLDER / BUCKET
    shutil.rmtree(bucket, ignore_errors=True)
    if picture is None:
        return 0
    count = 0
    for tenant, transaction_id in sorted(flagged):
        path = bucket / key(tenant, transaction_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(transaction_id))
        count += 1
    return count
