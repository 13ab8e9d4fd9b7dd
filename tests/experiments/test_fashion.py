"""Fashion-MNIST as in the slides: counts and the split."""

from experiments import fashion


def test_no_epochs_counts_and_splits(tiny_sets, tmp_path, capsys):
    rows = fashion.main(fashion.Config(dataset="mnist", epochs=0, seeds=1, data_dir=tiny_sets, out=tmp_path))
    assert [(row["params"], row["train_examples"], row["test_examples"]) for row in rows] == [(333_526, 32, 20)] * 2
    printed = " ".join(capsys.readouterr().out.split())
    assert "The slide's summary (total 333,526): holds" in printed
    assert "The split keeps 8 of 40 training images (20%)" in printed


def test_the_slides_shares_of_the_full_set():
    assert round(fashion.SHARE * 60_000) == 12_000
    assert fashion.Config().dataset == "fashion_mnist"
