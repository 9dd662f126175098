"""Count the linear regions of a network before and after training, exactly, and draw them.

``python scripts/count_regions.py --help`` is the manual.
"""

from plnet.runs.config.program import quiet_loading

with quiet_loading():
    import hydra
    from omegaconf import DictConfig

    from plnet.runs import config_dir, one_line_errors, register_schemas, run_script

    register_schemas()


@hydra.main(version_base="1.3", config_path=str(config_dir()), config_name="count_regions")
@one_line_errors
def main(config: DictConfig) -> None:
    # Imported here, so that --help and --cfg need not wait for torch.
    from plnet.runs.jobs.count_regions.build import main_job
    from plnet.runs.jobs.recording import run_job

    print(run_job(config, main_job()))


if __name__ == "__main__":
    run_script(main)
