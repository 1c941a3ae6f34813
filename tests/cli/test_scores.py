"""Tables of figures on terminals of any width."""

from pdd_cli.cli.scores import Cell, ScoreTable, print_table


def test_no_figure_is_cut_off_however_narrow_the_terminal(monkeypatch, capsys):
    names = [f"metric-{number}" for number in range(12)]
    figures = [f"{number}.{number:04d}" for number in range(12)]
    table = ScoreTable(
        "pictures",
        [(name, "higher") for name in names],
        [("mean", [Cell(figure, interval=f"[{figure}, 9.9999]") for figure in figures])],
        ["protocol"],
    )
    for columns in ("40", "80", "400"):
        monkeypatch.setenv("COLUMNS", columns)
        print_table(table, "rich")
        shown = capsys.readouterr().out
        assert "…" not in shown
        for name, figure in zip(names, figures, strict=True):
            assert f"{name} ↑" in shown
            assert f"[{figure}, 9.9999]" in shown
        assert shown.count("protocol") == 1
        assert all(len(line) <= int(columns) for line in shown.splitlines())
