"""What to say when a worker of a sweep was killed, so that its job could not."""

from __future__ import annotations

__all__ = ["lost_worker"]

# By name, because the packages are optional.
_LOST = {
    "TerminatedWorkerError": "a worker was killed, perhaps for want of memory; take fewer launch.jobs",
    "BrokenProcessPool": "a worker was killed or could not start",
    "UncompletedJobError": "a job ended without a result, perhaps at its limit of time or memory",
    "FailedJobError": "a job failed outside of its run",
    "FailedSubmissionError": "Slurm did not take the jobs",
}


def lost_worker(error: BaseException) -> str | None:
    """Return what a user needs to know about an error of joblib or submitit; None for any other error.

    Examples
    --------
    >>> from plnet.runs.config.launch_failures import lost_worker
    >>> lost_worker(ValueError("something else")) is None
    True
    """
    if type(error).__module__.split(".")[0] not in ("joblib", "loky", "submitit"):
        return None
    names = [kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _LOST]
    if not names:
        return None
    detail = " ".join(str(error).split())
    return (
        f"The sweep did not end: {_LOST[names[0]]}. Start the same command again; finished runs are skipped. "
        f"It said: {detail[:400]}"
    )
