"""Prove which maxout units compute an activation, and measure how often random starts learn them.

``python scripts/check_maxout.py --help`` is the manual.
"""

from plnet.runs.config.program import quiet_loading

with quiet_loading():
    from plnet.runs import run_script, script_of


@script_of("check_maxout")
def main():
    # Imported here, so that --help and --cfg need not wait for torch.
    from plnet.runs.jobs.maxout.build import check_maxout_job

    return check_maxout_job()


if __name__ == "__main__":
    run_script(main)
