"""The numbers of a complex as a few lines of text."""

from __future__ import annotations

import numpy as np

from plnet.regions.data import RegionData

__all__ = ["summary"]

_KINDS = {1: "length", 2: "area"}


def summary(complex_: RegionData) -> str:
    """Return the most important numbers of a complex, one a line; costs the volumes of all regions."""
    network, chart = complex_.network, complex_.chart
    state = (
        "exact"
        if complex_.exact
        else "complete, not proved"
        if complex_.complete
        else f"stopped by {complex_.stopped_by}"
    )
    bounded = complex_.bounded
    widths = " → ".join(map(str, (network.input_dim, *network.hidden_widths, network.output_dim)))
    lines = [
        f"{len(complex_)} activation regions ({state}, engine {complex_.engine}, {complex_.seconds:.3g} s)",
        f"network {widths}, {network.n_units} units; "
        f"domain of dimension {complex_.dim} in R^{chart.input_dim}, {len(chart.facet_names)} sides",
    ]
    if len(complex_):
        lines.append(f"{int(bounded.sum())} bounded, {int((~bounded).sum())} unbounded")
    if bounded.any():
        kind = _KINDS.get(complex_.dim, "volume")
        sizes = complex_.volumes[bounded]
        lines.append(
            f"{kind} of a bounded region: median {np.median(sizes):.3g}, "
            f"from {sizes.min():.3g} to {sizes.max():.3g}"
        )
    if complex_.n_undecided or complex_.n_fallbacks:
        lines.append(f"{complex_.n_undecided} cells undecided, {complex_.n_fallbacks} decided in rationals")
    return "\n".join(lines)
