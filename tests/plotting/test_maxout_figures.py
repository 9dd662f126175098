"""Figures about maxout: what the drawings show is what was computed, and wrong shapes are refused."""

import importlib
import sys
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from plnet.errors import DimensionError
from plnet.plotting import plot_error_rate, plot_max_affine, plot_success_rate, save_figure

FOLDER = Path(__file__).resolve().parents[2] / "paper_figures"
NAMES = ("maxout_expressivity", "max_affine_rates", "maxout_learning")


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


@pytest.fixture
def figures(monkeypatch):
    """Return a function that loads a module of paper_figures."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    plt.close("all")
    for name in ("paths", *(f"{kind}_{n}" for n in NAMES for kind in ("fig", "experiment"))):
        sys.modules.pop(name, None)


def manifest():
    return tomllib.loads(FOLDER.joinpath("manifest.toml").read_text(encoding="utf-8"))


# Single drawings


def test_maximum_passes_through_every_crossing(ax):
    # The pieces -z, 0 and z - 1/3 cross at 0 and at 1/3, where no even grid of 513 points has a point.
    handles = plot_max_affine([-1, 0, 1], [0, 0, -1 / 3], -1, 1, ax=ax)
    x, y = handles[0].get_data()
    assert {0.0, 1 / 3} <= set(x.tolist())
    np.testing.assert_allclose(y, np.maximum(np.maximum(-x, 0), x - 1 / 3))
    assert ax.get_xlim() == (-1, 1)


def test_negative_unit_is_drawn_below(ax):
    handles = plot_max_affine([-1, -1.7], [0, 0], -1, 1, sign=-1, function=np.sin, ax=ax)
    x, y = handles[1].get_data()
    np.testing.assert_allclose(y, np.where(x > 0, x, 1.7 * x))
    assert handles[1].get_label() == "minus the maximum"
    np.testing.assert_array_equal(handles[0].get_ydata(), np.sin(x))


def test_error_rate_shows_errors_optima_and_limit(ax):
    k = np.array([1, 2, 4])
    line = plot_error_rate(k, 0.5 / k**2, ax=ax, optimal=[0.5, np.nan, 0.03125], constant=0.5, dim=1)
    assert ax.get_xscale() == ax.get_yscale() == "log"
    np.testing.assert_array_equal(line.get_ydata(), [0.5, 0.125, 0.03125])
    limit, _, rings = ax.get_lines()
    np.testing.assert_allclose(limit.get_ydata(), [0.5, 0.03125])
    assert rings.get_xdata().tolist() == [1, 4]


def test_limit_between_bounds_is_a_band(ax):
    plot_error_rate([1, 8], [1.0, 0.25], ax=ax, constant=(0.5, 0.75), dim=3)
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices
    assert corners[:, 1].min() == pytest.approx(0.5 / 4)
    assert corners[:, 1].max() == pytest.approx(0.75)
    assert len(ax.get_lines()) == 1


def test_error_of_zero_has_no_place_on_a_logarithmic_scale(ax):
    assert plot_error_rate([1, 2], [0.25, 0.0], ax=ax).get_xdata().tolist() == [1]


def test_impossible_rates_are_empty_markers_without_interval(ax):
    ends = [(0.0, 0.1), (0.7, 0.9)]
    handle = plot_success_rate([1, 2], [0.0, 0.8], ends, ax=ax, impossible=[True, False])
    assert handle.get_markerfacecolor() != "white"
    (bars,) = ax.collections
    (segment,) = bars.get_segments()
    np.testing.assert_allclose(segment, [(2, 0.7), (2, 0.9)])
    never = plot_success_rate([1], [0.0], [(0.0, 0.1)], ax=ax, impossible=[True])
    assert never.get_markerfacecolor() == "white"


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_max_affine([1, 2], [0], 0, 1, ax=ax),
        lambda ax: plot_max_affine([], [], 0, 1, ax=ax),
        lambda ax: plot_error_rate([1, 2], [0.5], ax=ax),
        lambda ax: plot_success_rate([1, 2], [0.5, 0.5], [0.4, 0.6], ax=ax),
    ],
)
def test_wrong_shapes(ax, draw):
    with pytest.raises(DimensionError, match="Expected"):
        draw(ax)


# Figures of the paper


def test_expressivity_is_proved_for_each_rectifier(figures, tmp_path):
    figures("experiment_maxout_expressivity").main(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == manifest()["maxout_expressivity"]["results"]
    module = figures("fig_maxout_expressivity")
    panels = module.load(tmp_path)
    assert [panel["one_unit"] for panel in panels[:-1]] == [True] * 4 + [False]
    assert all(panel["equivalent"] and panel["deviation"] == "0" for panel in panels[:-1])
    for panel in panels[:-1]:
        z = np.linspace(-3, 3, 61)
        units = sum(
            unit["sign"]
            * np.max([a * z + c for a, c in zip(unit["slopes"], unit["offsets"], strict=True)], axis=0)
            for unit in panel["units"]
        )
        np.testing.assert_array_equal(units, np.where(z > 0, z, panel["slope"] * z))
    # The witness of slope 1.7: the middle is above the chord.
    (left, start), (middle, value), (right, end) = panels[4]["witness"]
    assert middle == (left + right) / 2
    assert value > (start + end) / 2
    assert panels[-1]["error"] == pytest.approx(1 / 32, rel=1e-9)
    figure = module.draw(panels)
    assert figure.get_size_inches()[0] == 5.5
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "max(0, z)\ndeviation 0, proved" in texts[0]
    assert texts[4].startswith("no single unit")


def test_rates_are_drawn_with_their_limits(figures, tmp_path, monkeypatch):
    experiment = figures("experiment_max_affine_rates")
    monkeypatch.setattr(experiment, "LINES", (1, 2, 4))
    monkeypatch.setattr(experiment, "CUBES", {1: (1, 2, 4), 2: (1, 2)})
    monkeypatch.setattr(experiment, "STARTS", 2)
    experiment.main(tmp_path)
    module = figures("fig_max_affine_rates")
    curves = module.load(tmp_path)
    square = curves["interval_0"]
    np.testing.assert_allclose(square.errors, [0.5, 0.125, 0.03125], rtol=1e-9)
    assert square.limits[0] == pytest.approx(0.5)
    np.testing.assert_allclose(curves["cube_2"].errors, [1 / 4, 5 / 32], rtol=1e-3)
    assert np.isnan(curves["cube_2"].optima).all()
    figure = module.draw(curves)
    labels = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert labels[0] == "$d = 1$, slope −2.00"


@pytest.mark.slow
def test_learning_figure_has_a_series_for_each_label(figures, tmp_path, monkeypatch):
    experiment = figures("experiment_maxout_learning")
    monkeypatch.setattr(experiment, "OPTIONS", {**experiment.OPTIONS, "replicates": 4, "steps": 3})
    monkeypatch.setattr(experiment, "PIECES", (1, 2))
    experiment.main(tmp_path)
    module = figures("fig_maxout_learning")
    data = module.load(tmp_path)
    assert data.rates.shape == (len(experiment.SERIES), 2)
    assert data.intervals.shape == (len(experiment.SERIES), 2, 2)
    # One piece is a line; what is not convex is impossible with any number of pieces.
    impossible = dict(zip(data.labels.tolist(), data.impossible.tolist(), strict=True))
    assert impossible["ReLU"] == [True, False]
    assert impossible["hard tanh"] == impossible["slope 1.7"] == [True, True]
    figure = module.draw(data)
    assert len(figure.axes) == 3
    shown = [text.get_text() for axes in figure.axes for text in axes.get_legend().get_texts()]
    assert shown == data.labels.tolist()
    files = save_figure(figure, tmp_path / "figure", dpi=60)
    assert all(file.stat().st_size > 1000 for file in files)


def test_manifest_names_the_experiments():
    for name in NAMES:
        assert f"experiment_{name}.py" in manifest()[name]["command"]
