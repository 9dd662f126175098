"""Train replicates of a network on tasks one after another, and measure how much they forget.

``python scripts/run_forgetting.py --help`` is the manual.
"""

from plnet.runs.config.program import quiet_loading

with quiet_loading():
    from plnet.runs import run_script, script_of


@script_of("run_forgetting")
def main():
    # Imported here, so that --help and --cfg need not wait for torch.
    from plnet.runs.jobs.forgetting.build import run_forgetting_job

    return run_forgetting_job()


if __name__ == "__main__":
    run_script(main)
