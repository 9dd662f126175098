"""Approximate a convex function by the maximum of k affine functions, with a certified error.

``python scripts/fit_convex.py --help`` is the manual.
"""

from plnet.runs.config.program import quiet_loading

with quiet_loading():
    from plnet.runs import run_script, script_of


@script_of("fit_convex")
def main():
    # Imported here, so that --help and --cfg need not wait for torch.
    from plnet.runs.jobs.convex.build import fit_convex_job

    return fit_convex_job()


if __name__ == "__main__":
    run_script(main)
