"""What a run watched of one tenant."""

from typing import NamedTuple

from proofwatch.biometrics.evaluation import Evaluation
from proofwatch.biometrics.figures import Figure


class Watched(NamedTuple):
    """A tenant of a run: its transactions with a verdict, those of them with a label, and its error rates."""

    transactions: int
    labelled: int
    evaluation: Evaluation


def rates(evaluation: Evaluation) -> dict[str, Figure | None]:
    """Return the rates that can have a limit; None where no trial of that kind has a label."""
    match, liveness, system, injection = (
        evaluation.match,
        evaluation.liveness,
        evaluation.system,
        evaluation.injection,
    )
    return {
        "fmr": match.fmr if match else None,
        "fnmr": match.fnmr if match else None,
        "apcer": liveness.apcer if liveness else None,
        "bpcer": liveness.bpcer if liveness else None,
        "iapar": system.iapar if system else None,
        "injection_accept_rate": injection.accept_rate if injection else None,
    }
