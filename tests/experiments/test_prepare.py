"""The command: prepares, lists, and says what is wrong in one sentence."""

import pytest

from experiments import prepare
from experiments.harness.command import run
from jaxcnn import data


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("JAXCNN_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tensorflow_datasets"))
    monkeypatch.setenv("COLUMNS", "250")


def test_prepares_and_lists(tiny_sets, capsys):
    run(prepare.main, prepare.Config, arguments=["mnist", "--data-dir", str(tiny_sets)])
    assert "mnist: " in capsys.readouterr().out
    assert (len(data.load("mnist")), data.load("mnist").source) == (40, "full")
    run(prepare.main, prepare.Config, arguments=["--list"])
    printed = capsys.readouterr().out
    for part in ("prepared", str(tiny_sets / "mnist"), "sample", "kB", "fashion_mnist"):
        assert part in printed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cifar"], "error: name must be one of fashion_mnist, kmnist, mnist, got 'cifar'."),
        ([], "error: name must be one of fashion_mnist, kmnist, mnist, or give --list, got neither."),
        (["mnist", "--data-dir", "/nowhere"], "error: data_dir='/nowhere' must hold mnist"),
    ],
)
def test_wrong_input_is_one_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(prepare.main, prepare.Config, arguments=arguments)
    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err
