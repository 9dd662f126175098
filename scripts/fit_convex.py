"""Approximate a convex function by the maximum of k affine functions, with a certified error.

``python scripts/fit_convex.py --help`` is the manual.
"""

from plnet.runs.config.program import quiet_loading

with quiet_loading():
    import hydra
    from omegaconf import DictConfig

    from plnet.runs import config_dir, one_line_errors, register_schemas, run_script

    register_schemas()


@hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="fit_convex")
@one_line_errors
def main(config: DictConfig) -> None:
    # Imported here, so that --help and --cfg need not wait for torch.
    from plnet.runs.jobs.convex.build import fit_convex_job
    from plnet.runs.jobs.recording import run_job

    print(run_job(config, fit_convex_job()))


if __name__ == "__main__":
    run_script(main)
