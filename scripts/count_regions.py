"""Count the linear regions of a network before and after training, exactly, and draw them.

``python scripts/count_regions.py --help`` is the manual.
"""

from plnet.runs.config.program import quiet_loading

with quiet_loading():
    from plnet.runs import run_script, script_of


@script_of("count_regions")
def main():
    # Imported here, so that --help and --cfg need not wait for torch.
    from plnet.runs.jobs.count_regions.build import count_regions_job

    return count_regions_job()


if __name__ == "__main__":
    run_script(main)
