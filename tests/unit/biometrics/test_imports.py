"""Counting services are installed without numpy and scipy: what they use loads neither until it must."""

import subprocess
import sys

import pytest

ARRAYS = ["betting", "calibration", "day_permutation", "discrimination", "dispersion", "drift", "homogeneity"]
ARRAYS += ["logistic", "run_length", "stability", "trend"]
FIGURES = ["baseline", "clusters", "cusum", "e_detector", "e_process", "fairness", "figures", "intervals"]
FIGURES += ["multiplicity", "nowcast", "paired", "rates", "threshold_search", "unpaired", "weighting", "worst_of"]


@pytest.mark.parametrize(("names", "loads"), [(FIGURES, set()), (ARRAYS, {"numpy"})], ids=["scalars", "arrays"])
def test_what_is_imported_at_once(names: list[str], loads: set[str]) -> None:
    """Modules of single figures load neither; those of arrays load numpy, and scipy on first use."""
    code = (
        f"import importlib, sys; [importlib.import_module('proofwatch.biometrics.' + n) for n in {names}]; "
        "print(*({'numpy', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert set(found.split()) == loads
