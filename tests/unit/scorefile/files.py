"""Small score files, and what a reader makes of them."""

from pathlib import Path
from typing import Any

from proofwatch.scorefile.mapping import SCORES, Mapping
from proofwatch.scorefile.outcome import Outcome
from proofwatch.scorefile.reader import Reader, Reading
from proofwatch.scorefile.trials import columns_of, has_decimal_commas
from proofwatch.tabular import open_table


def readings(path: Path, **mapping: Any) -> tuple[list[Reading], Outcome]:
    """Return what every row says, and what was refused, under a cap of 1 %."""
    table, said = open_table(path), Mapping.model_validate(mapping)
    commas = has_decimal_commas(table)
    reader = Reader(columns_of(table, said), said, {name: said.scale_of(name, decimal_comma=commas) for name in SCORES})
    found = [reader.read(row) for row in table.rows(reader.columns.used)]
    return found, Outcome(path.name, reader, 0.01)
