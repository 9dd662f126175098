"""The result of ``fit_convex.py`` in plain words, from the files of its folder alone."""

from __future__ import annotations

from pathlib import Path

from plnet.maxout.words import counted
from plnet.runs.jobs.reports import read_metrics, with_places

__all__ = ["FIGURE", "describe_fit_convex"]

FIGURE = "fit"


def describe_fit_convex(folder: Path) -> str:
    """Return the lines that tell the errors, with the places of the files.

    Raises
    ------
    FileFormatError
        If the numbers cannot be read.
    """
    metrics = read_metrics(folder)
    used, asked = metrics["pieces_used"], metrics["pieces"]
    pieces = counted(used, "piece")
    rest = "" if used == asked else f" ({asked} were allowed)"
    where = f"on {metrics['samples']} samples" if "samples" in metrics else f"in dimension {metrics['dim']}"
    low, high = metrics["sup_error_low"], metrics["sup_error_high"]
    exact = f"exactly {metrics['sup_error_text']}"
    size = exact if metrics["exact"] else f"{high:.10g}, certified to {high - low:.1e}"
    lines = [f"{pieces}{rest} {where}: the greatest error is {size}."]
    if metrics.get("stopped_by"):
        lines.append(f"The search was ended by {metrics['stopped_by']}: the best fit so far.")
    if metrics["optimal_error"] is not None:
        excess = metrics["excess"]
        more = "" if excess is None else f"; this fit is {excess:.2e} above it, relatively"
        least = f"{metrics['optimal_error']:.12g}"
        lines.append(f"The least possible error with {counted(asked, 'piece')} is {least}{more}.")
    if metrics.get("limit_low") is not None:
        low, high = metrics["limit_low"], metrics["limit_high"]
        # Older files have no rank; it is the dimension but for targets that are flat in some direction.
        rank = metrics.get("rank") or metrics["dim"]
        power = {1: "k^-2", 2: "k^-1"}.get(rank, f"k^(-2/{rank})")
        # Beyond the plane the thinnest covering, and with it the limit, is known between bounds only.
        size = f"near {low:.6g}" if low == high else f"between {low:.6g} and {high:.6g} times"
        lines.append(f"For many pieces k the least error is {size}{' *' * (low == high)} {power}.")
    lines += [f"Assumed of the target, not proved: {text}." for text in metrics["assumptions"]]
    return with_places(lines, folder, FIGURE, more=[f"Pieces:  {folder / 'pieces.csv'}"])
