"""What a page holds, and what it never exceeds."""

import base64
import re

import cv2
import numpy as np
import pytest

from pdd_cli.report.charts import bin_edges, count_within, histogram, line_chart
from pdd_cli.report.markup import Markup, element, joined
from pdd_cli.report.page import Comparison, Histogram, LineChart, Report, Section, Shown, Table
from pdd_cli.report.pictures import change_map, data_address, gain_map, telling_window
from pdd_cli.report.rendering import LARGEST_PICTURES, render, write_report


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def decoded(address):
    data = base64.b64decode(address.partition(",")[2])
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_text_is_escaped_and_markup_is_not():
    made = element("p", "a < b", element("b", '"&'), title='<">', hidden=True, id=None)
    assert made == '<p title="&lt;&quot;&gt;" hidden>a &lt; b<b>&quot;&amp;</b></p>'
    assert isinstance(joined([made]), Markup)


def test_the_page_is_one_file_that_names_no_other(report):
    page = render(report)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "default-src &#x27;none&#x27;" in page
    assert "url(" not in page
    assert "@import" not in page


def test_the_same_report_gives_the_same_page(report):
    assert render(report) == render(report)


def test_small_pictures_keep_every_pixel():
    pixels = noise(64, 96)
    assert np.array_equal(decoded(data_address(pixels)), pixels)


def test_large_pictures_are_compressed_and_keep_the_colour_of_every_pixel():
    pixels = cv2.GaussianBlur(noise(512, 512), (0, 0), 1)
    pixels[:, ::2, 0] //= 2
    pixels[:, 1::2, 2] //= 2
    address = data_address(pixels)
    assert address.startswith("data:image/jpeg")
    assert len(address) < pixels.size / 2
    assert np.abs(decoded(address).astype(int) - pixels).mean() < 4


def test_a_page_leaves_out_what_would_make_it_too_large(tmp_path):
    blocks = [
        Comparison(f"scene {number}", *(Shown("x", noise(512, 512, n)) for n in range(2)))
        for number in range(30)
    ]
    page = write_report(Report("Many", "", (Section("All", blocks),)), tmp_path / "many.html")
    assert page.stat().st_size < LARGEST_PICTURES + 100_000
    text = page.read_text()
    shown = text.count('class="comparison"')
    assert 0 < shown < 30
    assert "Left out, as a page holds 8 MB of pictures: " in text
    assert "scene 29" in text


def test_a_long_table_and_a_long_run_stay_short():
    rows = [(str(number), "1") for number in range(5000)]
    curve = LineChart("loss", [(step, float(step % 7)) for step in range(100_000)])
    page = render(Report("Long", "", (Section("s", (Table("t", ("a", "b"), rows), curve)),)))
    assert len(page) < 100_000
    assert "4500 more rows are left out." in page


def test_pictures_of_two_sizes_cannot_be_compared():
    with pytest.raises(ValueError, match="scene"):
        Comparison("scene", Shown("a", noise(4, 4)), Shown("b", noise(4, 5)))


def test_the_window_is_where_pictures_differ_most():
    before = np.zeros((700, 1200, 3), np.uint8)
    after = before.copy()
    after[500:600, 1000:1100] = 255
    rows, columns = telling_window(before, after)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (512, 512)
    assert rows.start <= 500
    assert rows.stop >= 600
    assert columns.start <= 1000
    assert columns.stop >= 1100


@pytest.mark.parametrize("shape", [(5, 7, 3), (512, 512, 3), (40, 900, 3)])
def test_a_small_picture_is_shown_as_far_as_the_window_goes(shape):
    rows, columns = telling_window(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
    assert (rows.start, columns.start) == (0, 0)
    assert (rows.stop, columns.stop) == (min(512, shape[0]), min(512, shape[1]))


def test_maps_are_blue_where_the_result_is_closer_and_orange_where_it_is_further():
    hr = np.full((1, 3, 3), 100, np.uint8)
    before, after = hr.copy(), hr.copy()
    before[0, 0] += 20
    after[0, 2] += 20
    closer, same, further = gain_map(before, after, hr)[0].astype(int)
    assert closer[2] > closer[0] + 100
    assert further[0] > further[2] + 100
    assert same.min() > 240
    assert np.array_equal(change_map(before, after)[0, 1], same)


def test_charts_say_in_words_what_they_show():
    drawn = line_chart(LineChart("PSNR", [(0, 24.0), (10, 25.5)], "higher", "dB", 24.0, 10))
    assert "From 24 at step 0 to 25.5 dB at step 10; lowest 24, highest 25.5." in drawn
    assert 'class="baseline"' in drawn
    assert 'class="marked"' in drawn
    assert "3 pictures from 0.1 to 0.5." in histogram(Histogram("SSIM", [0.1, 0.2, 0.5]))


@pytest.mark.parametrize("values", [[3.0], [1.0, 1.0], [-5.0, 1e9], [0.0, 1e-9]])
def test_any_figures_can_be_drawn(values):
    points = list(enumerate(values))
    for drawn in (line_chart(LineChart("x", points)), histogram(Histogram("x", values))):
        assert "nan" not in drawn
        assert "inf" not in drawn


def test_every_value_falls_into_one_bin():
    values = list(np.random.default_rng(0).normal(size=100))
    edges = bin_edges(values)
    assert sum(count_within(edges, values)) == 100
    assert len(edges) <= 21
