"""Each experiment that compares variants, trained for one epoch on a tiny set: rows, sentences and pages are whole."""

import html
import json

import pytest

from experiments import dropout, fashion, initialization, lenet, mlp_vs_cnn, optimizers, spatial_structure

REQUIRED = {"model", "options", "params", "macs", "seed", "train_examples", "test_examples", "data_source"}
MEASURED = {"test_accuracy", "test_loss", "seconds"}
TRAINED = {
    dropout: 2,
    fashion: 2,
    initialization: 4,
    lenet: 3,
    mlp_vs_cnn: 6,
    optimizers: 4,
    spatial_structure: 4,
}


@pytest.mark.slow
@pytest.mark.parametrize("experiment", TRAINED, ids=lambda module: module.__name__.split(".")[-1])
def test_one_epoch_is_judged_and_reported(experiment, tiny_sets, tmp_path, capsys):
    models = {"models": ("mlp",)} if experiment in (initialization, optimizers) else {}
    config = experiment.Config(
        dataset="mnist", epochs=1, seeds=2, batch_size=16, data_dir=tiny_sets, out=tmp_path, **models
    )
    rows = experiment.main(config)
    assert len(rows) == 2 * TRAINED[experiment]
    assert all(row.keys() >= REQUIRED | MEASURED for row in rows)
    assert all(0 <= row["test_accuracy"] <= 1 and row["seconds"] > 0 for row in rows)
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert (result["experiment"], result["complete"]) == (experiment.__name__.split(".")[-1], True)
    printed = " ".join(capsys.readouterr().out.split())
    assert any(verdict in printed for verdict in (": holds (", ": not established (", ": doesn't hold"))
    page = html.unescape((tmp_path / "report.html").read_text("utf-8"))
    assert "95% interval over seeds" in page
    assert {"loss.png", "accuracy.png", "images.png"} <= {path.name for path in tmp_path.iterdir()}
