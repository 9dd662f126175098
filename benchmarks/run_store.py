"""Measure what the run store adds to a run: a run with an empty task, and a run that is finished already.

The configuration is that of count_regions.py, and the task writes one small file of numbers. The runs share
one interpreter, as those of a sweep do; its first run, which asks git for the commit, is not counted.
"""

from __future__ import annotations

import statistics

from common import arguments, environment, run_python, write

CODE = """
import json, tempfile, time
from hydra import compose, initialize_config_dir
from plnet.runs import config_dir, register_schemas
from plnet.runs.jobs.recording import Job, run_job

def clocks():
    return time.perf_counter(), time.process_time()

register_schemas()
job = Job("count_regions", 1, lambda attempt, config: attempt.folder.json("metrics.json", {"x": 1}), str)
with tempfile.TemporaryDirectory() as folder:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("count_regions", overrides=[f"paths.runs={folder}"])

    def run(seed):
        config.seed = seed
        begin = clocks()
        made = run_job(config, job).made
        return [b - a for a, b in zip(begin, clocks())] + [made]

    run(NUMBER)
    print(json.dumps([[run(seed) for seed in range(NUMBER)] for _ in range(2)]))
"""


def main() -> None:
    options = arguments(__doc__ or "")
    before = environment()
    made, skipped = run_python(CODE.replace("NUMBER", "20" if options.quick else "300"))
    assert all(row[2] for row in made)
    assert not any(row[2] for row in skipped)
    results = {"run with an empty task": seconds(made), "finished run that is skipped": seconds(skipped)}
    for name, times in results.items():
        print(
            f"{name}: {1000 * times['wall_seconds']:.1f} ms, of them {1000 * times['cpu_seconds']:.1f} ms CPU"
        )
    write(options, "Time that the run store adds to a run", results, before)


def seconds(rows: list) -> dict[str, float]:
    wall, cpu = ([row[i] for row in rows] for i in range(2))
    return {
        "wall_seconds": statistics.median(wall),
        "least_wall_seconds": min(wall),
        "cpu_seconds": statistics.median(cpu),
        "repeats": len(rows),
    }


if __name__ == "__main__":
    main()
