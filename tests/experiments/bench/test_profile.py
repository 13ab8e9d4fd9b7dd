"""FLOPs of a step by hand, and a profile of a real step whose kinds add up."""

import json

import pytest

from experiments.bench import profile as bench_profile
from experiments.bench.cases import model_work
from experiments.bench.counts import flops_of
from experiments.bench.models import lecture_models
from experiments.bench.profile import Config, flops_by_kind, main
from experiments.bench.trace import DENSE, FORWARD, KINDS, TO_INPUT, TO_KERNEL

FIRST, SECOND, THIRD, LAST = 26**2 * 9 * 32, 24**2 * 288 * 64, 22**2 * 576 * 128, 22**2 * 128 * 10


def work(label, batch):
    return model_work("step", next(entry for entry in lecture_models() if entry.label == label), batch)


def test_flops_by_hand():
    convolved = FIRST + SECOND + THIRD
    assert flops_by_kind(work("convnet none", 64)) == {
        FORWARD: 128 * convolved,
        TO_INPUT: 128 * (convolved - FIRST),
        TO_KERNEL: 128 * convolved,
        DENSE: 128 * 3 * LAST,
    }
    assert flops_by_kind(work("mlp", 1)) == {DENSE: 2 * (2 * 784 * 84 + 3 * 840)}


@pytest.mark.parametrize("label", [entry.label for entry in lecture_models()])
def test_kinds_add_up_to_the_step(label):
    assert sum(flops_by_kind(work(label, 32)).values()) == flops_of(work(label, 32))


@pytest.mark.slow
def test_a_real_step(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench_profile, "own_peak", lambda: 2e11)
    [row] = main(Config(models=("swish_cnn max",), batch=2, calls=1, out=tmp_path))
    found = {kind["kind"]: kind["ms"] for kind in row["kinds"]}
    assert tuple(found) == KINDS
    assert sum(found.values()) == pytest.approx(row["traced_ms"])
    assert min(found.values()) > 0  # every kind occurs, and no moment was counted twice
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert result["rows"] == [row]
    assert "| optimizer |" in (tmp_path / "table.md").read_text("utf-8")
    assert "swish_cnn max, batch 2" in capsys.readouterr().out


def test_unknown_models_are_refused(tmp_path):
    with pytest.raises(ValueError, match="--models must be among swish_cnn max"):
        main(Config(models=("vgg",), out=tmp_path))
