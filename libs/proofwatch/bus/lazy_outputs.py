"""Outputs that come to be while they are sent.

A stage with many outputs may return them as `LazyOutputs`: parts that come to be when an owner asks for them, so that a
part is under way to the broker while the next is made, and is forgotten while it is still in the processor's cache.
Owners take everything, in order, once, and before they commit; an error on the way is an error of the step.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from proofwatch.bus.records import Outgoing, Output, Part, Rejection


class LazyOutputs:
    """Outputs in parts. Iterating gives them one by one; either way they are made as they are asked for."""

    def __init__(self, parts: Iterable[Part]) -> None:
        """`parts` is iterated once."""
        self.parts = parts

    def __iter__(self) -> Iterator[Output]:
        for part in self.parts:
            if isinstance(part, Rejection):
                yield part
            else:
                yield from part


def parts_of(outputs: Iterable[Output]) -> Iterable[Part]:
    """Return what a step returned in parts: few, unless it is `LazyOutputs`."""
    if isinstance(outputs, LazyOutputs):
        return outputs.parts
    return _parted(outputs if isinstance(outputs, Sequence) else list(outputs))


def passed(outputs: Iterable[Output], through: Callable[[Iterable[Part]], Iterator[Part]]) -> Iterable[Output]:
    """Return `outputs` as they come `through`: when they are asked for if they are lazy, and at once otherwise."""
    parts = through(parts_of(outputs))
    if isinstance(outputs, LazyOutputs):
        return LazyOutputs(parts)
    made = [part for part in parts if part]
    return LazyOutputs(made) if made else ()


def _parted(outputs: Sequence[Output]) -> Iterable[Part]:
    if Rejection not in set(map(type, outputs)):
        return (outputs,)  # type: ignore[return-value]
    return list(_split(outputs))


def _split(outputs: Sequence[Output]) -> Iterator[Part]:
    for rejected, run in groupby(outputs, key=lambda each: isinstance(each, Rejection)):
        if rejected:
            yield from (each for each in run if isinstance(each, Rejection))
        else:
            yield [each for each in run if isinstance(each, Outgoing)]
