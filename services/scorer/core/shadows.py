"""Shadow policies: they judge what the live policy judges, and where upstream would hear something else it is told."""

from typing import NamedTuple

from proofwatch.events.types import Shadow, Shadowing, SubjectState, Transaction
from services.scorer.core.attempts import CLEAN
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.effective_policies import EffectivePolicy
from services.scorer.core.judging import judge_with_history
from services.scorer.core.rules import Judgement, judge
from services.scorer.core.subject import NOTHING


class Shadowed(NamedTuple):
    """Where shadow policies differ, and the subject's histories under them."""

    differences: list[Shadow]
    histories: tuple[Shadowing, ...] | None


def judge_by_shadows(
    event: Transaction, offset: int, state: SubjectState, effective: EffectivePolicy, live: Judgement
) -> Shadowed:
    """Judge the transaction under every shadow policy; `live` is what the live policy says."""
    if not effective.shadows:
        return Shadowed([], None)
    known = {shadow.policy_hash: shadow.attempts for shadow in state.shadows or ()}
    differences, histories = [], []
    for policy in effective.shadows:
        judged = judge_with_history(event, offset, known.get(policy.policy_hash, NOTHING.attempts), policy)
        if differs(judged.judgement, live):
            differences.append(
                shadow_of(event, live, effective.policy.policy_hash, judged.judgement, policy.policy_hash)
            )
        if judged.history:
            histories.append(Shadowing(policy_hash=policy.policy_hash, attempts=judged.history))
    return Shadowed(differences, tuple(histories) or None)


def agree(event: Transaction, live: Judgement, shadows: tuple[CompiledPolicy, ...]) -> bool:
    """Return whether every shadow policy says what `live` says of an accept, the subject being without history."""
    for policy in shadows:
        judgement = judge(event, policy, CLEAN.failures)
        if judgement.failed or differs(judgement, live):
            return False
    return True


def differs(shadow: Judgement, live: Judgement) -> bool:
    """Return whether upstream would have been told something else."""
    return shadow.decision != live.decision or shadow.action != live.action


def shadow_of(event: Transaction, live: Judgement, live_hash: str, shadow: Judgement, shadow_hash: str) -> Shadow:
    """Return the record of a difference."""
    return Shadow(
        schema_version=1,
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        live_policy_hash=live_hash,
        shadow_policy_hash=shadow_hash,
        live_decision=live.decision,
        live_action=live.action,
        shadow_decision=shadow.decision,
        shadow_action=shadow.action,
    )
