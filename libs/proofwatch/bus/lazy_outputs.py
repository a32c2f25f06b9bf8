"""Outputs that are made while they are sent.

A stage with many outputs may return them as `Drawn`: parts that come to be when an owner draws them, so that a part is
under way to the broker while the next is made, and is forgotten while it is still in the processor's cache. Owners
draw everything, in order, once, and before they commit; an error on the way is an error of the step.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from proofwatch.bus.port import Outgoing


class Drawn:
    """Outputs in parts. Iterating gives the records one by one; either way they are made as they are drawn."""

    def __init__(self, parts: Iterable[Sequence[Outgoing]]) -> None:
        """`parts` is iterated once."""
        self.parts = parts

    def __iter__(self) -> Iterator[Outgoing]:
        for part in self.parts:
            yield from part


def parts_of(outputs: Iterable[Outgoing]) -> Iterable[Sequence[Outgoing]]:
    """Return what a step returned in parts: one, unless it is `Drawn`."""
    if isinstance(outputs, Drawn):
        return outputs.parts
    return (outputs if isinstance(outputs, Sequence) else list(outputs),)


def passed(
    outputs: Iterable[Outgoing], through: Callable[[Iterable[Sequence[Outgoing]]], Iterator[Sequence[Outgoing]]]
) -> Iterable[Outgoing]:
    """Return `outputs` as they come `through`: when they are drawn if they are `Drawn`, and at once otherwise."""
    on_the_way = Drawn(through(parts_of(outputs)))
    return on_the_way if isinstance(outputs, Drawn) else [*on_the_way]
