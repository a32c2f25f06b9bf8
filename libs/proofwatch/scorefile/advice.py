"""What an account says in words: why rows were refused, and what to change. Lines and our words, never a cell."""

from collections.abc import Iterator
from dataclasses import dataclass

from proofwatch.events.mending import ROUNDING
from proofwatch.scorefile.account import Account, Facts, Objection, Reasons
from proofwatch.scorefile.reader import AMBIGUOUS, BLANK_TIME, UNKNOWN
from proofwatch.scorefile.scores import ABOVE, BELOW, COMMA, NAN, PERCENT
from proofwatch.scorefile.times import EPOCHS, ISO

_MOST = 3
SENTINELS = frozenset({-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0, -2.0})
_TRUTHS = {"pair": "genuine|impostor", "presentation": "bona_fide|attack", "attack_class": "presentation|injection"}


def reasons_said(reasons: Reasons) -> str:
    """Return the commonest reasons, each with the number of its rows and an example's line."""
    common = reasons.commonest(_MOST)
    said = [
        f"{why.column} {why.problem} ({count:,} {_rows(count)}, such as line {reasons.lines[why]:,})".strip()
        for why, count in common
    ]
    if rest := reasons.total - sum(count for _, count in common):
        said.append(f"other reasons ({rest:,} {_rows(rest)})")
    return ", ".join(said)


def advice(account: Account, *reasons: Reasons) -> list[str]:
    """Return what to say in a mapping file so that the rows refused can be read; the likeliest first.

    A key stands once, with all that is to be said under it: YAML takes no key twice.
    """
    found: dict[str, _Change] = {}
    for why in [why for each in reasons for why, _ in each.commonest(_MOST)]:
        for change in _for(why, account):
            if (known := found.get(change.key)) is None:
                found[change.key] = change
            else:
                known.take(change)
    return [change.said() for change in found.values()]


@dataclass(slots=True)
class _Change:
    """A key of the mapping file, what goes under it (by score; a list where several are meant), and when."""

    key: str
    parts: dict[str, list[str]]
    shape: str  # how the parts are written: text, whole, names, one, list
    whens: list[str]

    def take(self, other: "_Change") -> None:
        for name, values in other.parts.items():
            mine = self.parts.setdefault(name, [])
            mine += [value for value in values if value not in mine] if self.shape == "list" or not mine else []
        self.whens += [when for when in other.whens if when not in self.whens]

    def said(self) -> str:
        if self.shape == "text":
            return self.key
        if self.shape == "whole":
            value = ", ".join(self.parts)
        elif self.shape == "names":
            value = f"[{', '.join(self.parts)}]"
        else:
            parts = (f"{name}: {_part(values, self.shape)}" for name, values in self.parts.items())
            value = f"{{{', '.join(parts)}}}"
        return f"`{self.key}: {value}` {' and '.join(self.whens)}"


def _part(values: list[str], shape: str) -> str:
    return f"[{', '.join(values)}]" if shape == "list" else values[0]


def notes(account: Account) -> list[str]:
    """Return, one line each, what was read otherwise than it stands in the file, and what looks odd."""
    said = []
    for name, count in sorted(account.rounded.items()):
        said.append(f"{name}: {count:,} left the scale by rounding (at most {ROUNDING:g}) and count as its end")
    for name, count in sorted(account.said_nothing.items()):
        said.append(f"{name}: {count:,} {_rows(count)} say in a word that there is none, and count as blank")
    for name, count in sorted(account.commas.items()):
        said.append(f"{name}: {count:,} numbers with a decimal comma are read so")
    for name, count in sorted((+account.respelt).items()):
        said.append(
            f"{name}: {count:,} {_rows(count)} spell {_TRUTHS[name].replace('|', ' or ')} otherwise, and are read so"
        )
    for name, count in sorted(account.cut.items()):
        said.append(f"{name}: {count:,} are too long and count by their first 64 characters")
    for name, lines in sorted(account.look_alikes().items()):
        examples = ", ".join(f"{line:,}" for line in lines[:4])
        said.append(
            f"{name}: values that look alike count as different groups (lines {examples}); "
            f"if they are one, say `values: {{{name}: {{theirs: ours}}}}` in a mapping file"
        )
    for name, facts in account.facts.items():
        if facts.upside_down:
            good, bad = ("genuine", "impostor") if name == "match_score" else ("bona fide", "attack")
            said.append(
                f"{name}: {good} trials are worse than {bad} ones; are these distances, where lower is better? "
                f"Then say `lower_is_better: [{name}]` in a mapping file, and if it says so already, do not"
            )
    return said


def _for(why: Objection, account: Account) -> Iterator[_Change]:
    name, problem = why.field, why.problem
    if problem in (ABOVE, BELOW):
        yield from _for_scale(name, account.facts[name])
    elif problem == PERCENT:
        yield _Change("scale", {name: ["[0, 100]"]}, "one", ["for percent"])
    elif problem == COMMA:
        yield _Change("decimal", {'","': []}, "whole", ["for the decimal comma"])
    elif problem == NAN:
        yield _Change(
            "missing_values", {name: ["NaN", "inf", "-inf"]}, "list", ["if these mean that there is no score"]
        )
    elif name in ("occurred_at", "labelled_at"):
        if problem == BLANK_TIME:
            yield _Change("no time at all by leaving the column out, or give every row one", {}, "text", [])
        elif not problem.startswith("lies "):
            forms = f"({', '.join((ISO, *EPOCHS))}, a pattern such as %d.%m.%Y %H:%M:%S, or a list of them)"
            yield _Change("time_format", {"…": []}, "whole", [forms])
    elif problem in (AMBIGUOUS, UNKNOWN):
        yield _Change("values", {name: [f"{{theirs: {_TRUTHS[name]}}}"]}, "one", ["for their spelling"])


def _for_scale(name: str, facts: Facts) -> Iterator[_Change]:
    if facts.upside_down:
        yield _Change("lower_is_better", {name: []}, "names", ["for distances, where lower is better"])
    outside, told = facts.outside, sum(facts.outside.values())
    if outside and told == facts.negative + facts.above_one and SENTINELS.issuperset(outside):
        odd = [f"{value:g}" for value in sorted(outside)]
        when = f"if {', '.join(odd)} means that there is no score"
        yield _Change("missing_values", {name: odd}, "list", [when])
        return
    if facts.low >= 0 and facts.high <= 100 and not facts.upside_down:
        ends, when = "[0, 100]", "if these are percent"
    elif facts.low >= -1 and facts.high <= 1 + ROUNDING:
        ends, when = "[-1, 1]", "if these are cosine similarities"
    else:
        ends, when = "[lowest, highest]", "with the ends of the matcher's scale"
    yield _Change("scale", {name: [ends]}, "one", [when])


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"
