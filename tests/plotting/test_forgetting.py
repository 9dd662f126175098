"""Figures of sequences of tasks: the numbers on paper are the numbers of the result."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from plnet.errors import ConfigError, IncompleteResultError, MetricError
from plnet.forgetting import AccuracyCurves, SequenceResult, convex_frontier, pareto_front
from plnet.forgetting.metrics import METRICS
from plnet.forgetting.results.failures import Failures
from plnet.plotting import (
    plot_accuracy_matrix,
    plot_frontier,
    plot_metric_bars,
    plot_seen_accuracy,
    plot_task_curves,
    save_figure,
    style,
)

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def random_result(tasks=4, replicates=6, seed=0, **options):
    accuracy = np.random.default_rng(seed).random((replicates, tasks + 1, tasks))
    names = [f"t{k}" for k in range(tasks)]
    return SequenceResult(accuracy, names, range(replicates), **options)


def with_curves(result):
    """Two moments in each task: the middle, made up, and the end, from the matrix."""
    rng = np.random.default_rng(9)
    task, epoch, rows = [0], [0.0], [result.accuracy[:, 0]]
    for k in range(1, result.n_tasks + 1):
        task, epoch = [*task, k, k], [*epoch, 5.0, 10.0]
        rows += [rng.random((result.n_replicates, result.n_tasks)), result.accuracy[:, k]]
    curves = AccuracyCurves(task, epoch, np.stack(rows, axis=1))
    return SequenceResult(result.accuracy, result.task_names, result.seeds, curves=curves)


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


# Matrix


def test_matrix_shows_the_means_of_the_finished_replicates():
    result = random_result(3)
    lost = SequenceResult(
        result.accuracy, result.task_names, result.seeds, diverged=[True, *[False] * 5], validation=None
    )
    ax = plot_accuracy_matrix(lost)
    mean = result.accuracy[1:].mean(axis=0)
    assert np.asarray(ax.images[0].get_array()) == pytest.approx(mean)
    assert [text.get_text() for text in ax.texts] == [f"{100 * x:.0f}" for x in mean.flat]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["init", "t0", "t1", "t2"]
    assert ax.images[0].get_clim() == (0, 1)


def test_matrix_frames_what_was_just_learned():
    for initial, first in ((True, 1), (False, 0)):
        ax = plot_accuracy_matrix(random_result(3), initial=initial, colorbar=False)
        frames = [line.get_xydata() for line in ax.lines if line.get_label() == "_learned"]
        assert [(f[:, 0].mean().round(), f[:, 1].min() + 0.5) for f in frames] == [
            (k, k + first) for k in range(3)
        ]


def test_matrix_of_many_tasks_has_no_numbers_and_of_holes_has_dashes():
    assert len(plot_accuracy_matrix(random_result(11)).texts) == 0
    holed = np.full((1, 3, 2), np.nan)
    holed[0, 1, 0], holed[0, 2] = 0.9, (0.5, 0.8)
    ax = plot_accuracy_matrix(SequenceResult(holed, ["a", "b"], [0]))
    assert [text.get_text() for text in ax.texts] == ["–", "–", "90", "–", "50", "80"]


def test_numbers_can_be_read_on_their_cells():
    result = SequenceResult([[[0.0, 0.25], [0.5, 0.6], [0.75, 1.0]]], ["a", "b"], [0])
    ax = plot_accuracy_matrix(result)
    image = ax.images[0]

    def luminance(color):
        rgb = np.array(to_rgb(color))
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ (
            0.2126,
            0.7152,
            0.0722,
        )

    for text, value in zip(ax.texts, result.accuracy[0].flat, strict=True):
        two = luminance(text.get_color()), luminance(image.cmap(image.norm(value)))
        # Web Content Accessibility Guidelines: 4.5 is enough for small type.
        assert (max(two) + 0.05) / (min(two) + 0.05) >= 4.5


# Curves


def test_task_curves_are_means_with_t_intervals():
    result = random_result(3)
    lines = lines_of(plot_task_curves(result))
    assert list(lines) == ["t0", "t1", "t2"]
    for task, line in enumerate(lines.values()):
        assert line.get_xdata().tolist() == list(range(task + 1, 4))
        assert line.get_ydata() == pytest.approx(result.accuracy[:, task + 1 :, task].mean(axis=0))
    column = result.accuracy[:, 3, 0]
    half = 2.5706 * column.std(ddof=1) / np.sqrt(6)  # The quantile of t with 5 degrees of freedom.
    band = plt.gcf().axes[0].collections[0].get_paths()[0].vertices
    ends = band[band[:, 0] == 3, 1]
    assert (ends.min(), ends.max()) == pytest.approx((column.mean() - half, column.mean() + half), rel=1e-4)


def test_task_curves_within_tasks():
    result = with_curves(random_result(3))
    lines = lines_of(plot_task_curves(result))
    second = lines["t1"]
    assert second.get_xdata().tolist() == [1, 1.5, 2, 2.5, 3]
    assert second.get_ydata() == pytest.approx(result.curves.accuracy[:, 2:, 1].mean(axis=0))
    assert second.get_markevery() == [2, 4]
    ends = lines_of(plot_task_curves(SequenceResult(result.accuracy, result.task_names, result.seeds)))
    assert ends["t1"].get_ydata() == pytest.approx(second.get_ydata()[[2, 4]])


def test_seen_accuracy_is_the_mean_over_tasks_so_far():
    first, second = random_result(3), random_result(3, seed=1, method="ewc")
    lines = lines_of(plot_seen_accuracy([first, second]))
    assert list(lines) == ["plain", "ewc"]
    a = second.accuracy
    seen = [a[:, k, :k].mean() for k in (1, 2, 3)]
    assert lines["ewc"].get_ydata() == pytest.approx(seen)
    assert len({line.get_color() for line in lines.values()}) == 2
    assert len({line.get_marker() for line in lines.values()}) == 2


# Bars


def test_bars_are_means_with_their_intervals_and_replicates():
    named = {"a": random_result(3), "b": random_result(3, seed=1)}
    metrics = ["average_accuracy", "forgetting_chaudhry", "backward_transfer_diaz_rodriguez"]
    ax = plot_metric_bars(named, metrics)
    found = [result.metrics()[metric] for result in named.values() for metric in metrics]
    assert [bar.get_height() for bar in ax.patches] == pytest.approx([x.mean for x in found])
    segments = [collection.get_segments()[0] for collection in ax.collections]
    assert [s[0, 1] for s in segments] == pytest.approx([x.low for x in found])
    assert [s[1, 1] for s in segments] == pytest.approx([x.high for x in found])
    points = [line.get_ydata() for line in ax.lines if line.get_label() == "_replicates"]
    assert np.concatenate(points) == pytest.approx(np.concatenate([x.values for x in found]))
    labels = [label.get_text().replace("\n", " ") for label in ax.get_xticklabels()]
    assert labels == [METRICS[metric].symbol for metric in metrics]


def test_bars_of_one_replicate_have_no_interval():
    ax = plot_metric_bars(random_result(2, replicates=1))
    assert len(ax.collections) == 0
    assert len(plot_metric_bars(random_result(2, replicates=41), points=False).lines) < 10


def test_the_place_above_the_bars_belongs_to_the_title():
    named = {f"method {k}": random_result(2, seed=k) for k in range(6)}
    ax = plot_metric_bars(named, ["average_accuracy", "backward_transfer_diaz_rodriguez"])
    title = ax.set_title("what is drawn here")
    canvas = ax.figure.canvas
    canvas.draw()
    legend = ax.get_legend().get_window_extent()
    others = [title, *ax.get_xticklabels(), ax.patch]
    assert not any(legend.overlaps(one.get_window_extent(canvas.get_renderer())) for one in others)
    assert legend.y0 >= 0
    assert legend.y1 < ax.get_window_extent().y0


def test_panels_of_accuracies_side_by_side_have_one_scale():
    result = random_result(3)
    curves = plot_task_curves(result).get_ylim()
    assert plot_seen_accuracy(result).get_ylim() == curves
    assert plot_metric_bars(result, ["average_accuracy", "learning_accuracy"]).get_ylim() == curves
    low, high = plot_metric_bars(result, ["backward_transfer_lopez_paz"]).get_ylim()
    assert low < result.metrics()["backward_transfer_lopez_paz"].values.min()
    assert high == curves[1]


def test_names_say_how_many_replicates_failed():
    result = random_result(2)
    failures = Failures([True, True, *[False] * 4], [1, 1, 0, 0, 0, 0], np.full((6, 3, 2), 0.25))
    some = SequenceResult(result.accuracy, result.task_names, result.seeds, failures=failures)
    named = {"a": result, "b": some}
    wanted = ["a", "b (2 of 6 failed)"]
    assert list(lines_of(plot_seen_accuracy(named))) == wanted
    ax = plot_metric_bars(named)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == wanted
    assert ax.patches[2].get_height() == pytest.approx(some.metrics()["average_accuracy"].mean)
    image = plot_accuracy_matrix(some).images[0].get_array()
    counted = np.concatenate([np.full((2, 2, 2), 0.25), result.accuracy[2:, 1:]])
    assert np.asarray(image)[1:] == pytest.approx(counted.mean(axis=0))


def test_many_methods_can_be_told_apart():
    named = {str(k): random_result(2, seed=k) for k in range(9)}
    lines = lines_of(plot_seen_accuracy(named))
    looks = {(x.get_color(), x.get_marker(), str(x.get_markerfacecolor())) for x in lines.values()}
    assert len(looks) == 9


# Frontier


def squeezed(result):
    """Errors on the new task between 0 and a twentieth."""
    accuracy = result.curves.accuracy.copy()
    accuracy[..., 1] = 1 - accuracy[..., 1] / 20
    return accuracy


def test_frontier_is_drawn_from_the_second_task():
    result = with_curves(random_result(2))
    errors = 1 - result.curves.accuracy[:, 3:].reshape(-1, 2)
    ax = plot_frontier({"a": result})
    (line,) = lines_of(ax).values()
    assert line.get_xydata() == pytest.approx(pareto_front(errors))
    assert line.get_drawstyle() == "steps-post"
    assert ax.lines[0].get_xydata() == pytest.approx(errors)
    (hull,) = lines_of(plot_frontier(result, convex=True, points=False)).values()
    assert hull.get_xydata() == pytest.approx(convex_frontier(errors))
    # Each axis ends where its own errors do.
    ax = plot_frontier(replace(result, curves=replace(result.curves, accuracy=squeezed(result))))
    drawn = ax.lines[0].get_xydata()
    for limits, values in zip((ax.get_xlim(), ax.get_ylim()), drawn.T, strict=True):
        assert limits[0] <= values.min()
        assert values.max() <= limits[1]
        assert np.ptp(values) > 0.9 * np.ptp(limits)
    with pytest.raises(MetricError, match="two tasks and curves"):
        plot_frontier(random_result(2))


# Sizes, axes of the caller, refusals


@pytest.mark.parametrize(
    "draw", [plot_accuracy_matrix, plot_task_curves, plot_seen_accuracy, plot_metric_bars]
)
def test_new_figures_have_the_width_and_the_type_of_a_column(draw, tmp_path):
    result = random_result(5)
    ax = draw(result)
    assert ax.figure.get_figwidth() == style().width
    assert ax.xaxis.label.get_size() == style()["axes.labelsize"]
    (first,) = save_figure(ax.figure, tmp_path / "first.pdf")
    (second,) = save_figure(draw(result).figure, tmp_path / "second.pdf")
    assert first.read_bytes() == second.read_bytes()
    _, own = plt.subplots()
    assert draw(result, ax=own) is own


def test_what_is_refused():
    result = random_result(2)
    lost = SequenceResult(result.accuracy, ["a", "b"], result.seeds, diverged=[True] * 6)
    for draw in (plot_accuracy_matrix, plot_task_curves, plot_seen_accuracy, plot_metric_bars):
        with pytest.raises(IncompleteResultError, match="6 of 6"):
            draw(lost)
    with pytest.raises(ConfigError, match="same method"):
        plot_seen_accuracy([result, result])
    with pytest.raises(ConfigError, match="Expected results"):
        plot_metric_bars(result.accuracy)
    with pytest.raises(ConfigError, match="at least one result"):
        plot_metric_bars({})
    with pytest.raises(ConfigError, match="equal numbers of tasks"):
        plot_seen_accuracy({"a": result, "b": random_result(3)})
    with pytest.raises(ConfigError, match="Did you mean 'forgetting_mammoth'"):
        plot_metric_bars(result, ["forgetting_mamoth"])
    with pytest.raises(ConfigError, match="list of metrics"):
        plot_metric_bars(result, "average_accuracy")
    with pytest.raises(MetricError, match="does not exist for 1 task"):
        plot_metric_bars(random_result(1))
    assert plt.get_fignums() == [], "a refusal leaves no figure behind"
