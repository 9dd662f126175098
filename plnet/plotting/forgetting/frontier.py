"""`plot_frontier`: errors on the old and the new task that each method has at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plnet.checks import suggest_options
from plnet.forgetting.results.frontier import convex_frontier, frontier_points, pareto_front
from plnet.plotting.forgetting.axes import drawing_on, look_of_method, named_results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_frontier"]

_MARGIN = 0.04
"""Space around the points, as a share of each axis."""


@suggest_options
def plot_frontier(
    results: Any,
    *,
    ax: Axes | None = None,
    convex: bool = False,
    points: bool = True,
    legend: bool = True,
) -> Axes:
    """Draw the front of each method in the plane of old and new test error; the lower left corner is best.

    The points of a front are all moments of the second task, of all replicates together. Each axis has its
    own scale. Chosen by test errors, a front is too good, and the more so the more moments it has: compare
    methods with equally many.

    Parameters
    ----------
    results : SequenceResult, sequence of them, or mapping of str to them
        Of two tasks, with curves. Names of a mapping are printed; otherwise the methods are.
    ax : Axes, optional
        Where to draw; otherwise a figure of the width of a column is made.
    convex : bool
        Draw the lower convex hull of Goodfellow et al. (2013), whose edges no network attains, instead of the
        steps of the Pareto front.
    points : bool
        Draw all points, pale.
    legend : bool

    Returns
    -------
    Axes

    Raises
    ------
    MetricError
        If a result is not of two tasks or has no curves.
    ConfigError
        If the results have no names.
    """
    clouds = {name: frontier_points(result) for name, result in named_results(results).items()}
    with drawing_on(ax, ratio=0.85) as target:
        for place, (name, cloud) in enumerate(clouds.items()):
            look = look_of_method(place)
            if points:
                pale = {"color": look["color"], "alpha": 0.25, "zorder": 1, "markeredgewidth": 0.0}
                target.plot(*cloud.T, ".", markersize=2.5, label="_points", **pale)
            corners = convex_frontier(cloud) if convex else pareto_front(cloud)
            target.plot(
                *corners.T,
                **look,
                markersize=2.5,
                drawstyle="default" if convex else "steps-post",
                label=name,
            )
        target.set(xlabel="error on the old task", ylabel="error on the new task")
        # Each axis fits its own errors: those on the new task are mostly far smaller.
        target.margins(_MARGIN)
        target.autoscale()
        if legend and len(clouds) > 1:
            target.legend(loc="best")
    return target
