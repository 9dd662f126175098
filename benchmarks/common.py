"""What the benchmarks share: networks, clocks, the description of the machine, and the result file."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import plnet
from plnet.ir import Affine, PLNetwork, ScalarPWL

HERE = Path(__file__).resolve().parent
PACKAGES = ("numpy", "numba", "torch", "scipy", "python-flint")


def arguments(description: str) -> argparse.Namespace:
    """Read the options that all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    name = Path(sys.argv[0]).stem
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"{name}.json", help="result file")
    parser.add_argument("--quick", action="store_true", help="small cases only; the figures mean little")
    return parser.parse_args()


def he_layers(widths: Sequence[int], seed: int, bias: float = 0.1) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw weights N(0, 2 / fan_in) and biases N(0, bias^2), layer by layer, weights first."""
    rng = np.random.RandomState(seed)
    layers = []
    for fan_in, fan_out in pairwise(widths):
        layers.append((rng.randn(fan_out, fan_in) * np.sqrt(2.0 / fan_in), bias * rng.randn(fan_out)))
    return layers


def relu_network(layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> PLNetwork:
    """Put a ReLU behind each layer but the last; nothing exact is computed before the first use."""
    parts: list[Any] = []
    for weight, bias in layers:
        parts += [Affine(weight, bias), ScalarPWL.relu(len(bias))]
    return PLNetwork(tuple(parts[:-1]), layers[0][0].shape[1])


def measure(work: Callable[[], Any], repeats: int) -> tuple[dict[str, Any], Any]:
    """Run something several times; return median wall and CPU seconds, and the last result.

    CPU seconds are those of this thread: on a shared machine they exclude the time that others
    take, though not what they take from caches and clock rate.
    """
    wall, cpu, result = [], [], None
    for _ in range(repeats):
        begin = time.perf_counter(), time.thread_time()
        result = work()
        end = time.perf_counter(), time.thread_time()
        wall.append(end[0] - begin[0])
        cpu.append(end[1] - begin[1])
    return {
        "wall_seconds": statistics.median(wall),
        "cpu_seconds": statistics.median(cpu),
        "least_cpu_seconds": min(cpu),
        "repeats": repeats,
    }, result


def run_python(code: str, **environment: str) -> Any:
    """Run code in a fresh interpreter and return what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=HERE.parent,
        env={**os.environ, **environment},
    )
    return json.loads(done.stdout)


def environment() -> dict[str, Any]:
    """Return versions and machine; the load tells how far the figures can be trusted."""
    return {
        "python": platform.python_version(),
        "plnet": plnet.__version__,
        "packages": {name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "date": time.strftime("%Y-%m-%d"),
    }


def write(
    options: argparse.Namespace, question: str, results: dict[str, Any], before: dict[str, Any]
) -> None:
    """Write the result file and say where it is; `before` is the environment at the start."""
    document = {
        "question": question,
        "quick": options.quick,
        "environment": {**before, "load_average_at_end": environment()["load_average"]},
        "results": results,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(rounded(document), indent=1) + "\n", encoding="utf-8")
    print(f"Written to {options.output}")


def rounded(value: Any) -> Any:
    """Keep four significant digits of every float, more would be noise; write what is no number as null."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(entry) for entry in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
