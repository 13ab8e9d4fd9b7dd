"""The ledger: complete, in order, and naming only what there is.

That the tests it names pass follows from running the suite, of which they are a part; here they are only looked up.
"""

import ast
import functools
import tomllib
from pathlib import Path

import pytest

from experiments.harness.course_page import course_page

ROOT = Path(__file__).parents[2]
LECTURES = ROOT.parent / "shared" / "lectures"
LEDGER = tomllib.loads((Path(__file__).parent / "ledger.toml").read_text("utf-8"))
KINDS = {"claim", "figure", "table", "formula", "code", "output"}
VERDICTS = {"holds", "holds with these numbers", "the slide errs", "not recoverable from the text"}
FIELDS = {"file": str, "line": int, "kind": str, "quote": str, "says": str, "verdict": str}
OPTIONAL = {"through": int, "tests": list, "experiments": list, "remark": str, "right": str}


def where(passage):
    return f"{passage['file']}:{passage['line']}"


def lines_of(passage):
    return range(passage["line"], passage.get("through", passage["line"]) + 1)


def each(condition):
    """The entries that break a condition, for a message that names them all."""
    return [where(entry) for entry in LEDGER["entry"] if not condition(entry)]


@functools.cache
def definitions(path, *names):
    """What a module, or a class in it, defines."""
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    for name in names:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == name)
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@functools.cache
def imported(path):
    """The names that a module takes from others."""
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    return {alias.asname or alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}


def is_test(node):
    path, *classes, name = node.split("::")
    return (ROOT / path).is_file() and name.startswith("test_") and name in definitions(path, *classes)


def is_experiment(name):
    path = f"experiments/{name}.py"
    return (ROOT / path).is_file() and {"Config", "main"} <= definitions(path) | imported(path)


def test_fields():
    def complete(entry):
        known = FIELDS | OPTIONAL
        return FIELDS.keys() <= entry.keys() <= known.keys() and all(
            isinstance(value, known[name]) and value for name, value in entry.items()
        )

    assert not each(complete)
    assert not each(lambda e: e["kind"] in KINDS and e["verdict"] in VERDICTS)
    assert {entry["file"] for entry in LEDGER["entry"]} == {lecture["file"] for lecture in LEDGER["lecture"]}


def test_verdicts_are_grounded():
    def grounded(entry):
        reproduced = "tests" in entry or "experiments" in entry
        match entry["verdict"]:
            case "not recoverable from the text":
                return "remark" in entry and "right" not in entry
            case "the slide errs":
                return reproduced and "right" in entry
        return reproduced and "right" not in entry

    assert not each(grounded)


def test_passages_are_in_order_and_apart():
    passages = LEDGER["entry"] + LEDGER["passed_over"]
    for file in {passage["file"] for passage in passages}:
        covered = [line for p in passages if p["file"] == file for line in lines_of(p)]
        assert len(covered) == len(set(covered)), file
    places = [(entry["file"], entry["line"]) for entry in LEDGER["entry"]]
    assert places == sorted(places)


def test_every_test_exists():
    assert not [node for entry in LEDGER["entry"] for node in entry.get("tests", ()) if not is_test(node)]


def test_every_experiment_exists():
    assert not {name for entry in LEDGER["entry"] for name in entry.get("experiments", ()) if not is_experiment(name)}


def test_docs_course_is_made_of_it():
    assert (ROOT / "docs" / "course.md").read_text("utf-8") == course_page(LEDGER)


@pytest.fixture(scope="module")
def lectures():
    if not LECTURES.is_dir():
        pytest.skip("needs the lectures' text in ../shared/lectures")
    files = [LECTURES / lecture["file"] for lecture in LEDGER["lecture"]]
    return {path.name: path.read_text("utf-8").split("\n") for path in files}


def test_the_quoted_words_stand_there(lectures):
    assert not each(lambda e: e["quote"] in lectures[e["file"]][e["line"] - 1])


def test_every_line_is_accounted_for(lectures):
    covered = {
        (passage["file"], line) for passage in LEDGER["entry"] + LEDGER["passed_over"] for line in lines_of(passage)
    }
    written = {
        (file, number)
        for file, lines in lectures.items()
        for number, line in enumerate(lines, 1)
        if line.strip(" \t`")  # a fence alone says nothing
    }
    assert not written - covered
    assert max(covered) <= max(written)
