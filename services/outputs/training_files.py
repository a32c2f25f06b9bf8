"""A training set as files: Parquet and a manifest with hashes, in a folder that is there whole or not at all."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from services.outputs.core.training import COLUMNS, Column, categories

DATA: Final = "training.parquet"
MANIFEST: Final = "manifest.json"


def write(folder: Path, rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> str:
    """Write the set into `folder`, over one that was there; return the manifest's SHA-256. Raises `OSError`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[Column, Any] = {
        "text": pa.string(),
        "number": pa.float64(),
        "texts": pa.list_(pa.string()),
        "map": pa.map_(pa.string(), pa.string()),
        "day": pa.date32(),
    }
    of = categories()
    schema = pa.schema(
        [pa.field(name, types[kind], metadata={"data_category": of[name].value}) for name, kind in COLUMNS.items()]
    )
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), folder / DATA)
    document = {
        **about,
        "rows": len(rows),
        "columns": {name: of[name].value for name in COLUMNS},
        "files": {DATA: hashlib.sha256((folder / DATA).read_bytes()).hexdigest()},
    }
    manifest = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    (folder / MANIFEST).write_bytes(manifest)
    return hashlib.sha256(manifest).hexdigest()
