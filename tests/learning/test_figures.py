"""Figures whose texts are in Chinese."""

import pytest

figures = pytest.importorskip("gated.learning.training.figures")
pytest.importorskip("matplotlib")


def test_words_of_a_figure_in_another_language():
    figure = figures.new_figure(3.0, 2.0)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], label="a line")
    axes.set(title="a title", xlabel="left as it is")
    axes.set_yticks([0, 1], ["none", "all"])
    axes.xaxis.set_major_formatter("{x:.1f}")
    axes.legend()
    words = {"a line": "线", "a title": "标题", "all": "全部"}
    assert figures.in_chinese(figure, "DejaVu Sans Mono", words) is figure
    with pytest.warns(UserWarning, match="missing from font"):  # this font has no Chinese letters
        figures.png(figure)
    assert axes.get_title() == "标题" and axes.get_xlabel() == "left as it is"
    assert axes.get_legend().get_texts()[0].get_text() == "线"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["none", "全部"]
    assert [tick.get_text() for tick in axes.get_xticklabels()][0] in ("0.0", "−0.2", "-0.2")
    assert axes.title.get_fontfamily()[0] == "DejaVu Sans Mono"


def test_a_chinese_font_is_one_that_is_installed():
    from matplotlib import font_manager

    found = figures.chinese_font()
    known = {font.name for font in font_manager.fontManager.ttflist}
    assert found in known if found is not None else not set(figures.CHINESE) & known
