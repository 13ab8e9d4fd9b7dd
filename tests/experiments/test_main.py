"""`python -m experiments` lists every experiment with its purpose; `all` runs every one and says how each went."""

import sys
from pathlib import Path

import pytest

import experiments
from experiments.__main__ import main, purposes
from experiments.harness import all_runs
from experiments.harness.all_runs import Config, run_all
from experiments.harness.catalogue import COMMANDS, course
from experiments.harness.index_page import findings
from jaxcnn.visualization import Note, Section, Table, report

FOLDER = Path(experiments.__file__).parent
GOOD = "from pathlib import Path; Path(r'{out}', 'report.html').write_text({page!r}, 'utf-8'); print({quick})"
INTRODUCTION = [Note("the sample"), "It <holds>.", "So 풀링."]
PAGE = report("Pooling", [Section("Sizes", ["not this"])], introduction=INTRODUCTION)


@pytest.fixture
def scripts(monkeypatch):
    """Experiment -> a Python script that stands in for it."""
    found = {"good": GOOD, "bad": "print('a'); print('error: no such set'); raise SystemExit(2)", "silent": ""}

    def command(name, folder, *, quick):
        script = found[name].replace("{out}", str(folder)).replace("{page!r}", repr(PAGE))
        return [sys.executable, "-X", "utf8", "-S", "-c", script.replace("{quick}", repr(quick))]

    monkeypatch.setattr(all_runs, "command", command)
    return {name: f"About {name} things." for name in found}


def test_every_experiment_has_a_purpose(capsys):
    found = purposes(FOLDER)
    assert found["pooling"].startswith("Pooling against no pooling")
    assert all(purpose.endswith(".") for purpose in found.values())
    main()
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in found)


def test_commands_are_no_experiments_of_the_course():
    assert set(COMMANDS) <= set(purposes(FOLDER))
    assert "pooling" in course(FOLDER)
    assert not set(COMMANDS) & set(course(FOLDER))
    assert all_runs.command("pooling", Path("a"), quick=True)[1:] == [
        "-m",
        "experiments.pooling",
        "--out",
        "a",
        "--quick",
    ]


def test_a_failure_stops_nothing(scripts, tmp_path, capsys):
    good, bad, silent = run_all(Config(quick=True, out=tmp_path), scripts)
    assert (good.findings, good.error) == (("It <holds>.", "So 풀링."), "")
    assert bad.error == "exit code 2: error: no such set"
    assert silent.error == "it wrote no report.html"
    printed, progress = capsys.readouterr()
    assert "It <holds>. (and 1 more)" in printed
    assert "[2/3] bad: About bad things." in progress
    assert (tmp_path / "good" / "output.txt").read_text() == "True\n"
    index = (tmp_path / "index.html").read_text("utf-8")
    assert '<a href="good/report.html">' in index
    assert "<p>It &lt;holds&gt;.</p>" in index
    assert '<a href="bad/output.txt">' in index
    assert "Failed: bad, silent." in index
    assert "Still to run" not in index


def test_an_old_report_is_not_taken_for_a_new_one(scripts, tmp_path):
    (tmp_path / "silent").mkdir()
    (tmp_path / "silent" / "report.html").write_text(PAGE, "utf-8")
    (outcome,) = run_all(Config(out=tmp_path), {"silent": scripts["silent"]})
    assert outcome.error == "it wrote no report.html"


def test_findings_stand_before_the_first_section():
    page = report(
        "T", [Section("S", ["later", Table([{"a": 1}], "c")])], introduction=["a & b", Table([{"a": 1}], "x")]
    )
    assert findings(page) == ("a & b",)
    assert findings(report("T", [])) == ()


@pytest.mark.parametrize("argument", ["pooling", "--all"])
def test_other_arguments_are_refused(argument, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([argument])
    assert f"takes nothing or all, got {argument!r}" in capsys.readouterr().err
