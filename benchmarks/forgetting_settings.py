"""Search the settings of each method on permuted digits, and measure how much it then forgets.

The settings are searched by validation accuracy, on replicates of their own. Then every method is trained on
the 20 replicates of the report, with the best candidate of its search, and compared with plain training in
pairs. Needs scikit-learn, whose digits are the data.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import torch
from common import arguments, environment, write

from plnet.forgetting import compare_results, method, method_grid, permuted, search_settings, train_sequence
from plnet.forgetting.methods import Method
from plnet.forgetting.results.result import SequenceResult
from plnet.forgetting.training.search import GRIDS

TRAINING = {"epochs": 10, "batch_size": 64, "learning_rate": 0.05, "momentum": 0.9, "progress": None}
METRICS = ("average_accuracy", "learning_accuracy", "backward_transfer_lopez_paz", "forgetting_chaudhry")
FIRST_SEARCH_SEED = 1000


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    torch.set_num_threads(1)
    replicates, searched = (3, 2) if options.quick else (20, 10)
    training = {**TRAINING, "epochs": 1} if options.quick else TRAINING
    names = ("l2", "replay") if options.quick else tuple(GRIDS)
    seeds = range(FIRST_SEARCH_SEED, FIRST_SEARCH_SEED + searched)
    searches: dict[str, Any] = {}
    chosen = {"plain": method("plain"), "joint": method("joint")}
    for name in names:
        searches[name], chosen[name] = search(name, seeds, training)
    results, seconds = {}, {}
    for name, best in chosen.items():
        begin = time.thread_time()
        results[name] = train_sequence(permuted(5), method=best, seeds=range(replicates), **training)
        seconds[name] = (time.thread_time() - begin) / replicates
        print(f"{name}: ACC {results[name].metrics()['average_accuracy']}", flush=True)
    write(
        options,
        "Settings of the methods on permuted digits, and what they reach",
        {
            "tasks": permuted(5).description,
            "model": results["plain"].model,
            "training": {key: value for key, value in training.items() if key != "progress"},
            "search_seeds": list(seeds),
            "seeds": list(range(replicates)),
            "searches": searches,
            "report": {name: report(results[name], chosen[name], seconds[name]) for name in chosen},
            "contrasts": {metric: contrasts(results, metric) for metric in METRICS},
        },
        before,
    )


def search(name: str, seeds: range, training: dict[str, Any]) -> tuple[dict[str, Any], Method]:
    """Search the settings of one method; a fifth of the training samples of each task is for validation."""
    found = search_settings(permuted(5, validation_fraction=0.2), method_grid(name), seeds=seeds, **training)
    candidates = found.to_table()
    for row in candidates:
        if row["diverged"]:
            row["validation_accuracy"] = None
        print(row)
    print(f"{name}: best {found.best}", flush=True)
    record = {
        "grid": GRIDS[name],
        "candidates": candidates,
        "best": asdict(found.best),  # type: ignore[call-overload]
        "at_edge": found.at_edge,
    }
    return record, found.best


def report(result: SequenceResult, used: Method, seconds: float) -> dict[str, Any]:
    metrics = result.metrics()
    found = {name: metrics[name] for name in METRICS}
    return {
        "method": repr(used),
        "diverged": result.n_diverged,
        "cpu_seconds_per_replicate": seconds,
        **{name: {"mean": one.mean, "low": one.low, "high": one.high} for name, one in found.items()},
    }


def contrasts(results: dict[str, SequenceResult], metric: str) -> list[dict[str, Any]]:
    """Compare each method with plain training, paired by seed; p-values after Holm."""
    return [
        {
            "first": one.first,
            "second": one.second,
            "difference": one.difference.mean,
            "low": one.difference.low,
            "high": one.difference.high,
            "n": one.difference.n,
            "adjusted_p_value": one.adjusted_p_value,
            **{key: value for key, value in one.to_row().items() if key.endswith("_left_out")},
            "failed": [sum(pair) for pair in zip(one.diverged, one.never_learned, strict=True)],
        }
        for one in compare_results(results, metric, reference="plain")
    ]


if __name__ == "__main__":
    main()
