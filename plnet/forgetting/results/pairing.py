"""Whether results are of the same tasks, so that replicates of equal seed are pairs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from plnet.errors import MetricError
from plnet.forgetting.results.data import SequenceData

__all__ = ["check_same_tasks"]


def check_same_tasks(results: Mapping[str, SequenceData]) -> str:
    """Raise if replicates of equal seed have different tasks, and return what could not be checked.

    Digests of the data decide. A result without them (made by hand, or stored by an older version) is known
    by its description only.

    Parameters
    ----------
    results : mapping of str to SequenceData

    Returns
    -------
    str
        For people; empty if the data of all pairs are the same.

    Raises
    ------
    MetricError
        If lengths, data or descriptions differ.
    """
    lengths = {name: result.n_tasks for name, result in results.items()}
    if len(set(lengths.values())) > 1:
        raise MetricError(f"Results of sequences of different lengths cannot be paired: {lengths}.")
    notes = [_check_pair(*pair) for pair in combinations(results.items(), 2)]
    return max(notes, key=len, default="")


def _check_pair(first: tuple[str, SequenceData], second: tuple[str, SequenceData]) -> str:
    (name, one), (other_name, other) = first, second
    if one.digests and other.digests:
        known = dict(zip(other.seeds, other.digests, strict=True))
        unlike = [
            seed for seed, row in zip(one.seeds, one.digests, strict=True) if known.get(seed, row) != row
        ]
        if unlike:
            raise _different(f"the data of {name} and {other_name} differ with {_seeds(unlike)}")
        return ""
    words = _in_words(one), _in_words(other)
    if None not in words and words[0] != words[1]:
        raise _different(str({name: words[0], other_name: words[1]}))
    lacking = " and ".join(n for n, result in (first, second) if not result.digests)
    how = "no description says" if None in words else "only the description of their tasks says"
    return f"{lacking} without digests of the data: {how} that the pairs have the same tasks"


def _different(how: str) -> MetricError:
    return MetricError(
        f"Results of different tasks cannot be paired by seed: {how}. plnet.forgetting.statistics."
        "unpaired_contrast compares values that are not paired."
    )


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds[:5]))}{' and more' * (len(seeds) > 5)}"


def _in_words(result: SequenceData) -> str | None:
    """Return what tells the tasks of a result from others; None where it does not say."""
    known = [str(result.settings[key]) for key in ("tasks", "tasks_in_words") if key in result.settings]
    return ": ".join(known) or None
