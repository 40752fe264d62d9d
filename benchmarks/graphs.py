"""The shapes of the work: graphs whose tasks do nothing, so that only the program that runs them is measured."""

from __future__ import annotations

import random

Graph = tuple[tuple[int, ...], ...]
"""For each task, by number, the numbers of the tasks right before it; every one is smaller than its own."""

SEED = 20


def fan(width: int) -> Graph:
    """A root, `width` tasks after it at the same time, and a sink after all of them."""
    return ((), *((0,) for _ in range(width)), tuple(range(1, width + 1)))


def chain(length: int) -> Graph:
    """One task after the other."""
    return tuple((number - 1,) if number else () for number in range(length))


def layers(depth: int, width: int) -> Graph:
    """Layers of tasks, each after three random ones of the layer before; the same graph every time."""
    chance = random.Random(SEED)
    graph: list[tuple[int, ...]] = [()] * width
    for layer in range(1, depth):
        before = range((layer - 1) * width, layer * width)
        graph += (tuple(chance.sample(before, k=min(3, width))) for _ in range(width))
    return tuple(graph)
