"""The benchmark's options, and one tiny real run."""

import json

import pytest

from experiments import benchmark
from experiments.bench.results import best_rates, command
from experiments.benchmark import Config, check, items_of, quicker
from experiments.harness.command import run

ROW = {"section", "label", "batch", "contender", "ms", "ratio", "ratio_to_flax", "images_per_second", "share_of_peak"}
ROW |= {"peak_bytes", "import_seconds", "first_seconds", "form", "flops", "versions", "error", "turns"}


def test_models_are_chosen_by_name_or_label():
    assert len(check(Config())) == 8
    assert check(Config(models=("convnet",))) == ["convnet max", "convnet none"]
    assert check(Config(models=("convnet none", "mlp"))) == ["convnet none", "mlp"]


def test_items_of_every_section():
    config = Config(batches=(256, 32))
    steps = items_of("step", ["mlp"], config)
    assert [item.batch for item in steps] == [32, 256]  # memory only grows: small batches first
    assert steps[0].work["compiled"] is False
    assert len(items_of("conv_transpose", [], config)) == 10
    assert len(items_of("depthwise", [], config)) == 3
    assert [item.label for item in items_of("loop", [], config)][1].endswith("inside fori_loop")
    assert "batch 1024" in [item.label for item in items_of("scaling", [], config)]
    assert items_of("end_to_end", ["mlp"], config) == []


def test_quick_is_short():
    short = quicker(Config(peers=("python",)))
    assert (short.batches, short.peers) == ((64,), ("python",))
    assert "scaling" not in short.sections
    assert short.seconds < Config().seconds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "vgg"], "--models must be among convnet, convnet max"),
        (["--batches", "0"], "--batches must be an integer of at least 1, got 0"),
        (["--seconds", "-1"], "--seconds must be a positive number, got -1.0"),
        (["--peers", "/no/such/python"], "--peers must name Python interpreters"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        run(benchmark.main, Config, arguments=arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_no_folders_of_this_machine():
    arguments = ["--peers", "/opt/torch/bin/python", "--out", "/scratch/x", "--keep", "--data-dir", "sets"]
    said = "python -m experiments.benchmark --peers PYTHON --out FOLDER --keep --data-dir sets"
    assert command(arguments) == said


def test_the_best_matrix_products_are_kept():
    assert best_rates({}, {"jaxcnn": 1e11}) == {"jaxcnn": 1e11}
    assert best_rates({"jaxcnn": 2e11, "PyTorch": 1e11}, {"jaxcnn": 1e11, "Flax": 3e11}) == {
        "jaxcnn": 2e11,
        "PyTorch": 1e11,
        "Flax": 3e11,
    }


@pytest.mark.slow
def test_a_tiny_real_run_and_one_more_row(tmp_path):
    first = Config(sections=("step",), models=("mlp",), batches=(32,), seconds=0.1, out=tmp_path)
    rows = benchmark.main(first)
    assert [row["contender"] for row in rows] == ["jaxcnn", "Flax"]
    for row in rows:
        assert row.keys() >= ROW
        assert row["ms"] > 0
        assert row["flops"] == 2 * 32 * (3 * (784 * 84 + 840) - 784 * 84)
    ours, plain = rows
    assert ours["ratio"] == pytest.approx(plain["ms"] / ours["ms"])
    more = Config(sections=("start",), models=("mlp",), batches=(32,), out=tmp_path, keep=True)
    rows = benchmark.main(more)
    assert len(rows) == 4
    assert all(row["peak_bytes"] > 2**26 and row["first_seconds"] > 0 for row in rows[2:])
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert set(result) == {"experiment", "complete", "config", "environment", "matmul_flops", "rows"}
    assert result["complete"]
    assert len(result["rows"]) == 4
    assert (tmp_path / "ratios.png").stat().st_size > 1000
