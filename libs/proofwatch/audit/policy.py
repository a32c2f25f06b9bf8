"""Whose word suffices (C2SP tlog-policy): logs, witnesses, groups of witnesses, and the quorum."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from proofwatch.audit.note import COSIGNATURE, ED25519, InvalidNote, VerifierKey, decimal

_NONE: Final = "none"
_SHOWN: Final = 20
"""How much of a word that cannot be used is shown."""
_KEYWORDS: Final = {"any": lambda members: 1, "all": len}


class InvalidPolicy(ValueError):
    """The policy cannot be used; the message names the line."""


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these members must have cosigned; a member is a witness or another group."""

    least: int
    members: tuple[str, ...]


@dataclass(slots=True)
class Policy:
    """A policy file. `quorum` None: nobody needs to have cosigned."""

    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None
    urls: dict[str, str] = field(default_factory=dict)

    def holds(self, cosigned: Collection[VerifierKey]) -> bool:
        """Return whether these witnesses are a quorum."""
        return self.quorum is None or self._holds(self.quorum, {each.public for each in cosigned})

    def _holds(self, name: str, cosigned: Collection[bytes]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return self.witnesses[name].public in cosigned
        return sum(self._holds(each, cosigned) for each in group.members) >= group.least


def parse_policy(text: str) -> Policy:
    """Return the policy of a file's text. Raises `InvalidPolicy`."""
    policy, quorums, members = Policy(), 0, set[str]()
    for place, line in enumerate(text.split("\n"), 1):
        words = line.replace("\t", " ").split(" ")
        keyword, *rest = [each for each in words if each] or ["#"]
        if keyword.startswith("#"):
            continue
        try:
            if keyword == "quorum":
                quorums += 1
                _quorum(policy, rest)
            else:
                _LINES.get(keyword, _unknown)(policy, rest, members)
        except (InvalidPolicy, InvalidNote) as error:
            raise InvalidPolicy(f"line {place}: {error}") from None
    if quorums != 1:
        raise InvalidPolicy(f"a policy has one quorum line, and this has {quorums}")
    return policy


def _log(policy: Policy, words: list[str], members: set[str]) -> None:
    key = _key(words[:1], ED25519, [each.public for each in policy.logs])
    _at_most(words, 2, "log <vkey> [<url>]")
    policy.logs.append(key)


def _witness(policy: Policy, words: list[str], members: set[str]) -> None:
    _at_most(words, 3, "witness <name> <vkey> [<url>]")
    name = _new_name(policy, words)
    policy.witnesses[name] = _key(words[1:2], COSIGNATURE, [each.public for each in policy.witnesses.values()])
    if words[2:]:
        policy.urls[name] = words[2]


def _group(policy: Policy, words: list[str], members: set[str]) -> None:
    name, least, names = _new_name(policy, words), words[1:2], words[2:]
    if not names:
        raise InvalidPolicy("a group is written: group <name> <k|any|all> <member>…")
    for each in names:
        if each not in policy.witnesses and each not in policy.groups:
            raise InvalidPolicy(f"{each} is no witness or group of a line above")
        if each in members:
            raise InvalidPolicy(f"{each} is a member already")
        members.add(each)
    policy.groups[name] = Group(_least(least[0], names), tuple(names))


def _quorum(policy: Policy, words: list[str]) -> None:
    if len(words) != 1 or (words[0] != _NONE and words[0] not in policy.witnesses and words[0] not in policy.groups):
        raise InvalidPolicy("a quorum is `none`, or one witness or group of a line above")
    policy.quorum = None if words[0] == _NONE else words[0]


def _unknown(policy: Policy, words: list[str], members: set[str]) -> None:
    raise InvalidPolicy("a line begins with log, witness, group or quorum")


_LINES: Final[dict[str, Callable[[Policy, list[str], set[str]], None]]] = {
    "log": _log,
    "witness": _witness,
    "group": _group,
}


def _key(words: list[str], kind: int, before: Collection[bytes]) -> VerifierKey:
    key = VerifierKey.parse(words[0] if words else "")
    if key.kind != kind:
        raise InvalidPolicy(f"the key of {key.name} is of type {key.kind}, and this needs {kind}")
    if key.public in before:
        raise InvalidPolicy(f"the key of {key.name} is there twice")
    return key


def _new_name(policy: Policy, words: list[str]) -> str:
    name = words[0] if words else ""
    if not name or name == _NONE or name in policy.witnesses or name in policy.groups:
        raise InvalidPolicy(f"{name or 'nothing'} cannot be a new name")
    return name


def _least(word: str, names: list[str]) -> int:
    if word in _KEYWORDS:
        return _KEYWORDS[word](names)
    least = decimal(word, len(names))
    if not least or word[0] == "0":
        raise InvalidPolicy(f"{word[:_SHOWN]} of {len(names)} members cannot be asked")
    return least


def _at_most(words: list[str], most: int, form: str) -> None:
    if len(words) > most:
        raise InvalidPolicy(f"a line is written: {form}")
