"""Dropout: what it costs, and the gap by hand."""

import pytest

from experiments import dropout
from experiments.harness.comparison import Results
from experiments.harness.runs import count, counts
from experiments.harness.session import Session
from jaxcnn.data import load


def test_no_epochs_counts_and_draws(tiny_sets, tmp_path, capsys):
    config = dropout.Config(dataset="mnist", epochs=0, data_dir=tiny_sets, out=tmp_path)
    assert [row["params"] for row in dropout.main(config)] == [197_210] * 10
    assert [path.name for path in tmp_path.glob("*.png")] == ["images.png"]
    # 100 outputs instead of 10: 90 more columns of 100 weights and a bias.
    assert "100 outputs the net would have 206,300" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ((), r"--rates must be one or more values, each of them once; got none"),
        ((0.5, 0.5), r"--rates must be one or more values, each of them once; got 0.5 0.5"),
        ((0.0, 1.5), r"--rates must be fractions of at least 0 and below 1, such as 0 0.5; got 1.5"),
    ],
)
def test_rates_that_cannot_be_dropped_are_refused(rates, message, tiny_sets, tmp_path):
    with pytest.raises(ValueError, match=message):
        dropout.main(dropout.Config(dataset="mnist", rates=rates, data_dir=tiny_sets, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_flat_and_noisy_curve_does_not_turn():
    # Each seed dips where it likes and ends where it began: its own lowest value alone lies below its last.
    flat = [[0.5, 0.4, 0.5, 0.5, 0.5], [0.5, 0.5, 0.4, 0.5, 0.5], [0.5, 0.5, 0.5, 0.4, 0.5]]
    assert dropout.rises(flat) == pytest.approx([0, 0, 0])
    turned = [[0.5, 0.4 + seed / 100, 0.6] for seed in range(3)]
    assert dropout.lowest_epoch(turned) == 1
    assert dropout.rises(turned) == pytest.approx([0.2, 0.19, 0.18])
    assert dropout.rises(turned[:1]) == pytest.approx([0.2])


def test_the_gap_is_how_much_better_seen_images_do(tiny_sets, tmp_path):
    train, test = (load("mnist", split=split, data_dir=tiny_sets) for split in ("train", "test"))
    session = Session("dropout", dropout.Config(epochs=2), train, test, tmp_path, {})
    variants = [count("simple_cnn", {"dropout": rate}, dropout.label(rate), train) for rate in (0.0, 0.5)]
    losses = ((0.1, 0.5, [0.4, 0.5]), (0.3, 0.4, [0.5, 0.4]))
    rows = [
        counts(variant, train, test, seed=seed)
        | {"train_loss": seen, "test_loss": unseen + seed / 100, "train_accuracy": 0.9, "test_accuracy": 0.8}
        | {"history": {"val_loss": history}}
        for variant, (seen, unseen, history) in zip(variants, losses, strict=True)
        for seed in (0, 1)
    ]
    first, *others = dropout.judgements(Results(session, variants, rows))
    assert first.startswith("no dropout: the test loss turns upwards after epoch 1: holds (last minus lowest test loss")
    assert others[0].startswith("dropout 0.5 narrows the gap in loss: holds")
    assert "+0.3000 ± 0.0000" in others[0]
    assert "not established" in others[2]
