"""Figures as files: true sizes, styles of venues, identical bytes, refusals."""

import re
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from drawings import cells_of, square_complex
from matplotlib.collections import LineCollection

from plnet.errors import ConfigError, OutputError
from plnet.plotting import VENUES, plot_regions, save_figure, style
from plnet.plotting.regions import scene

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture(scope="module")
def square():
    return square_complex()


@pytest.mark.parametrize(
    ("column", "venue", "inches"),
    [("full", "neurips", 5.5), ("half", "icml", 3.25), ("half", "ieee", 3.5), ("half", "nature", 89 / 25.4)],
)
def test_page_of_the_pdf_has_the_width_of_the_column(tmp_path, square, column, venue, inches):
    with style(column, venue, height=2.0):
        _, ax = plt.subplots()
    plot_regions(square, ax=ax)
    (path,) = save_figure(ax.figure, tmp_path / "page.pdf")
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", path.read_bytes())
    assert [float(x) for x in box.groups()] == pytest.approx([72 * inches, 144.0], abs=0.01)


def test_png_has_300_pixels_per_inch(tmp_path, square):
    ax = plot_regions(square)
    path = save_figure(ax.figure, tmp_path / "page")[1]
    height, width = plt.imread(path).shape[:2]
    assert [width, height] == pytest.approx(300 * ax.figure.get_size_inches(), abs=1)


def test_own_figure_has_the_width_of_a_column(square):
    assert plot_regions(square).figure.get_size_inches()[0] == pytest.approx((5.5 - 0.25) / 2)


def test_fonts_in_the_pdf_are_truetype(tmp_path, square):
    (path,) = save_figure(plot_regions(square).figure, tmp_path / "fonts.pdf")
    data = path.read_bytes()
    assert b"/FontFile2" in data
    assert b"/Type3" not in data


@pytest.mark.parametrize("venue", VENUES)
def test_every_venue_gives_settings_that_matplotlib_takes(venue):
    for column in ("half", "full"):
        wanted = style(column, venue)
        with mpl.rc_context(wanted):
            assert mpl.rcParams["pdf.fonttype"] == 42
        assert 2.0 < wanted.width < 7.6
        assert wanted.height == wanted["figure.figsize"][1]
    assert VENUES[venue].half < VENUES[venue].full
    assert VENUES[venue].source


def test_style_nests_and_merges():
    inner = style("full") | {"axes.grid": True}
    outside = mpl.rcParams["figure.figsize"]
    with inner, inner:
        assert mpl.rcParams["axes.grid"]
        assert mpl.rcParams["figure.figsize"] == [5.5, inner.height]
    assert mpl.rcParams["figure.figsize"] == outside


def test_import_of_the_package_leaves_matplotlib_alone():
    program = "import sys, plnet.plotting; assert not any(m.startswith('matplotlib') for m in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"venue": "neuripss"}, "Did you mean 'neurips'"),
        ({"venue": "journal"}, "icml"),
        ({"column": "third"}, "half, full"),
        ({"height": 0.0}, "positive"),
        ({"rows": 0}, "positive"),
    ],
)
def test_impossible_styles_are_refused(options, match):
    with pytest.raises(ConfigError, match=match):
        style(**options)


# Files


def test_same_figure_gives_same_bytes(tmp_path, square, monkeypatch):
    def files(name):
        ax = plot_regions(square, color_by="class", points=[[0, 0]], labels=["a"])
        return [
            p.read_bytes()
            for p in save_figure(ax.figure, tmp_path / name, ("pdf", "png", "svg", "eps"), dpi=50)
        ]

    first = files("first")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert files("second") == first
    assert not any(word in first[0] for word in (b"CreationDate", b"ModDate"))


def test_saving_twice_changes_nothing(tmp_path, square):
    figure = plot_regions(square, color_by="output").figure
    assert (
        save_figure(figure, tmp_path / "a.pdf")[0].read_bytes()
        == save_figure(figure, tmp_path / "b.pdf")[0].read_bytes()
    )
    assert figure.get_layout_engine() is not None


def test_nothing_is_cut_off_at_the_edge_of_the_paper(tmp_path, square):
    with style("full", height=2.0):
        figure, axes = plt.subplots(1, 2)
    for ax in axes:
        plot_regions(square, ax=ax, color_by="gradient_norm").set_title("before training: 123 regions")
    save_figure(figure, tmp_path / "whole.png")
    tight = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert min(tight.x0, tight.y0) > -0.01
    assert tight.x1 < width + 0.01
    assert tight.y1 < height + 0.01


def test_suffix_chooses_the_format_and_dots_in_names_survive(tmp_path):
    figure = plt.figure()
    assert [p.name for p in save_figure(figure, tmp_path / "new" / "net.v2")] == ["net.v2.pdf", "net.v2.png"]
    assert [p.name for p in save_figure(figure, tmp_path / "net.svg")] == ["net.svg"]


def test_borders_get_thinner_with_more_regions(square, monkeypatch):
    assert cells_of(plot_regions(square)).get_linewidth() == pytest.approx(0.3)
    monkeypatch.setattr(scene, "_FULL_WIDTH", len(square) / 4)
    assert cells_of(plot_regions(square)).get_linewidth() == pytest.approx(0.15)
    assert cells_of(plot_regions(square, linewidth=0.2)).get_linewidth() == pytest.approx(0.2)


def test_many_regions_are_rasterised(square, monkeypatch):
    assert not cells_of(plot_regions(square)).get_rasterized()
    monkeypatch.setattr(scene, "MANY_REGIONS", len(square) - 1)
    ax = plot_regions(square)
    assert cells_of(ax).get_rasterized()
    assert not any(item.get_rasterized() for item in ax.collections if isinstance(item, LineCollection))


def test_unwritable_folders_and_unknown_formats_are_refused(tmp_path):
    figure = plt.figure()
    tmp_path.joinpath("file").touch()
    with pytest.raises(OutputError, match="Cannot make the folder"):
        save_figure(figure, tmp_path / "file" / "figure")
    tmp_path.joinpath("taken.pdf").mkdir()
    with pytest.raises(OutputError, match=r"taken\.pdf"):
        save_figure(figure, tmp_path / "taken.pdf")
    with pytest.raises(ConfigError, match="eps, pdf, png, svg"):
        save_figure(figure, tmp_path / "figure", ["jpg"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken.pdf"]
