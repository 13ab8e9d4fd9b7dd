"""A dense net against a CNN: how well the pairs match."""

from experiments import mlp_vs_cnn


def test_no_epochs_counts_and_matches(tiny_sets, tmp_path):
    rows = mlp_vs_cnn.main(mlp_vs_cnn.Config(epochs=0, seeds=1, data_dir=tiny_sets, out=tmp_path))
    counted = {row["label"]: (row["params"], row["macs"]) for row in rows}
    assert counted["convnet"] == (104_202, 3_100_032)
    assert counted["784-512-10"] == (785 * 512 + 513 * 10, 784 * 512 + 512 * 10)
    assert counted["mlp of the lecture"][0] == 66_790
    assert counted["mlp, parameters of convnet"][0] == 104_155
    assert abs(counted["mlp, MACs of convnet"][1] / 3_100_032 - 1) < 1e-3
