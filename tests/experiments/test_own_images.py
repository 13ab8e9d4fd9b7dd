"""Own images end to end on a tiny folder, grey and RGB, and the sentences for bad ones."""

import html
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from experiments import own_images
from experiments.harness.command import run
from experiments.own_images import Config
from jaxcnn.data.folder_source import FolderSource

NAMES = ("<script>alert(1)<", "a..\\..\\b", "한글 $x$")


def write(folder, *, names=NAMES, count=20, shape=(12, 12), first=0):
    """`count` images a class, as bright as the class is late, with a little noise."""
    rng = np.random.default_rng(first)
    for brightness, name in zip(np.linspace(20, 200, len(names)), names, strict=True):
        (folder / name).mkdir(parents=True)
        for i in range(first, first + count):
            pixels = brightness + rng.integers(0, 40, shape)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two epochs with two seeds: the folder and the rows."""
    out = tmp_path_factory.mktemp("out")
    images = write(tmp_path_factory.mktemp("images") / "own & <odd>")
    config = Config(folder=images, model="mlp", epochs=2, seeds=2, batch_size=8, validation=0.25, out=out)
    return out, own_images.main(config)


def test_result_holds_what_was_asked(trained):
    out, _ = trained
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert (result["experiment"], result["complete"]) == ("own_images", True)
    assert result["config"]["validation"] == 0.25
    for seed, row in enumerate(result["rows"]):
        assert (row["model"], row["options"], row["seed"], row["data_source"]) == ("mlp", {}, seed, "full")
        assert (row["train_examples"], row["test_examples"]) == (45, 15)
        assert row["test_accuracy"] == row["history"]["val_accuracy"][-1]
        assert row["params"] == (144 + 1) * 84 + (84 + 1) * 3
    matrix = np.array(result["rows"][0]["confusion"])
    assert matrix.sum(axis=1).tolist() == [5, 5, 5]
    assert matrix.trace() == round(result["rows"][0]["test_accuracy"] * 15)


def test_report_shows_odd_names_literally(trained):
    out, _ = trained
    page = (out / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "<odd>" not in page
    text = html.unescape(page)
    assert all(name in text for name in NAMES)
    assert "own & <odd>: 45 training and 15 held-back images of 12×12 pixels, grey, 3 classes." in text
    assert "http" not in page
    assert {path.suffix for path in out.iterdir()} == {".json", ".html", ".png"}
    assert {"confusion.png", "images.png", "loss.png", "accuracy.png"} <= {path.name for path in out.iterdir()}


@pytest.mark.slow
def test_rgb_of_several_sizes_with_a_test_folder(tmp_path, capsys):
    folder = tmp_path / "own"
    write(folder / "train", names=("dark", "bright"), count=6, shape=(14, 18, 3))
    write(folder / "test", names=("dark", "bright"), count=3, shape=(20, 15, 3), first=6)
    config = Config(
        folder=folder, model="mlp", image_size=12, resize="crop", epochs=1, batch_size=4, out=tmp_path / "out"
    )
    (row,) = own_images.main(config)
    assert (row["train_examples"], row["test_examples"]) == (12, 6)
    files, streamed = own_images.read_parts(config).files, own_images.read_parts(replace(config, stream=True))
    assert (streamed.files, len(streamed.train)) == (files, 12)
    assert [path.as_posix() for path in files] == [
        f"test/{name}/{i}.png" for name in ("bright", "dark") for i in (6, 7, 8)
    ]
    assert row["params"] == (12 * 12 * 3 + 1) * 84 + (84 + 1) * 2
    said = capsys.readouterr()
    assert "own: 12 training and 6 held-back images of 12×12 pixels, RGB, 2 classes." in said.err
    assert "Accuracy on the held-back images: " in said.out
    assert "one answer to all of them would reach 0.5000" in said.out


def test_streamed_images_are_those_that_are_read_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write(tmp_path / "own", count=9)
    (folder / NAMES[1] / "3.png").write_bytes(b"")
    config = Config(folder=folder, model="mlp", epochs=1, batch_size=8, skip_broken=True, out=tmp_path / "out")
    whole, streamed = own_images.read_parts(config), own_images.read_parts(replace(config, stream=True))
    assert isinstance(streamed.train, FolderSource)
    images, labels = streamed.train.read(np.arange(len(streamed.train)))
    np.testing.assert_array_equal(images, whole.train.images)
    np.testing.assert_array_equal(labels, whole.train.labels)
    np.testing.assert_array_equal(streamed.held_back.images, whole.held_back.images)
    assert (streamed.files, streamed.broken) == (whole.files, whole.broken)
    assert own_images.describe(streamed) == own_images.describe(whole)

    (row,) = own_images.main(replace(config, stream=True))
    assert (row["train_examples"], row["test_examples"], row["left_out"]) == (21, 5, 1)
    assert row["error"] is None
    assert 0 <= row["train_accuracy"] <= 1
    assert round(row["train_accuracy"] * 21, 4).is_integer()  # of all training images, each once
    assert sum(map(sum, row["confusion"])) == 5
    assert (tmp_path / "out" / "images.png").is_file()


def test_images_without_room_to_train_on_them_point_to_streams(tmp_path, monkeypatch):
    config = Config(folder=write(tmp_path / "own", count=4), model="mlp", epochs=0, out=tmp_path / "out")
    monkeypatch.setattr("experiments.harness.streamed.free_memory", lambda: 1727)  # of 12 · 12 · 12 bytes
    with pytest.raises(
        ValueError, match=r"^own must fit into memory twice .* got 1\.688 KiB of .*; --stream reads them"
    ):
        own_images.main(config)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("experiments.harness.streamed.free_memory", lambda: 1728)
    assert own_images.main(config)


def test_broken_files_are_refused_or_left_out_and_counted(tmp_path, capsys):
    """As notMNIST has them: empty, cut short, and no image at all."""
    folder = write(tmp_path / "own", names=("A", "B"), count=8)
    bad = [folder / "A" / "0.png", folder / "A" / "3.png", folder / "B" / "7.png"]
    bad[0].write_bytes(b"")
    bad[1].write_bytes(bad[1].read_bytes()[:60])
    bad[2].write_text("text")
    arguments = ["--dataset", f"folder:{folder}", "--model", "mlp", "--epochs", "0", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        run(own_images.main, Config, arguments=arguments)
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert f"{bad[0]} must be a PNG or JPEG image, got an empty file" in error
    assert f"(and so with 2 further files: {bad[1]}, {bad[2]})" in error
    run(own_images.main, Config, arguments=[*arguments, "--skip-broken"])
    told = (
        "own: 10 training and 3 held-back images of 12×12 pixels, grey, 2 classes. Left out 3 broken files: A/0.png, "
    )
    assert told in capsys.readouterr().err
    assert "Left out 3 broken files: A/0.png, A/3.png, B/7.png." in (tmp_path / "out" / "report.html").read_text(
        "utf-8"
    )
    result = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    assert result["rows"][0]["left_out"] == 3


def test_a_class_without_training_images_is_said(tmp_path, capsys):
    folder = write(tmp_path / "own", names=("A", "B"), count=4)
    write(folder, names=("C",), count=1)
    config = Config(folder=folder, model="mlp", validation=0.34, epochs=0, out=tmp_path / "out")
    said = "Every image of 'C' is held back, so no step trains on that class."
    found = {seed: own_images.describe(own_images.read_parts(replace(config, split_seed=seed))) for seed in range(6)}
    assert 0 < sum(said in text for text in found.values()) < 6
    with pytest.raises(ValueError, match=r"^--validation: fraction=0\.01 of 9 images leaves the part empty"):
        own_images.main(replace(config, validation=0.01))


def test_no_epochs_counts_and_draws(tmp_path):
    config = Config(folder=write(tmp_path / "own", count=4), model="mlp", epochs=0, out=tmp_path / "out")
    (row,) = own_images.main(config)
    assert (row["train_examples"], row["test_examples"], row["test_accuracy"]) == (10, 2, None)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["images.png", "report.html", "result.json"]


def test_a_run_that_diverges_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(own_images.optax, "rmsprop", lambda *args, **kwargs: own_images.optax.sgd(1e30))
    config = Config(folder=write(tmp_path / "own"), model="mlp", epochs=1, batch_size=4, out=tmp_path / "out")
    (row,) = own_images.main(config)
    assert row["error"]
    assert "(1 diverged)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--dataset must be folder:PATH, or --folder a path, and not both; got --dataset '' and --folder None"),
        (
            ["--dataset", "mnist"],
            "--dataset must be folder:PATH, or --folder a path, and not both; got --dataset 'mnist'",
        ),
        (["--dataset", "folder:own", "--folder", "own"], "and not both"),
        (["--dataset", "folder:nowhere"], "nowhere must be a folder with a folder a class, got none"),
        (["--folder", "nowhere"], "nowhere must be a folder with a folder a class, got none"),
        (["--folder", "own", "--validation", "1.5"], "--validation must lie between 0 and 1, both excluded, got 1.5"),
        (["--folder", "own", "--split-seed", "-1"], "--split-seed must be an integer of at least 0, got -1"),
        (["--folder", "own", "--image-size", "0"], "--image-size must be an integer >= 1"),
        (["--folder", "own", "--epochs", "-1"], "--epochs must be an integer of at least 0, got -1"),
        (
            ["--folder", "own", "--model", "mlp", "--out", "/dev/null/out"],
            "--out must be a folder that can be written to",
        ),
        (["--folder", "own", "--model", "convnet"], "error: "),  # 12×12 pixels are too few for three stages
        (["--folder", "bad"], "2.png must be a PNG or JPEG image, got a GIF; save it as PNG, or remove it."),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "own", count=3)
    broken = write(tmp_path / "bad", count=3) / NAMES[1] / "2.png"
    Image.fromarray(np.zeros((12, 12), np.uint8)).save(broken, format="GIF")
    with pytest.raises(SystemExit) as stop:
        run(own_images.main, Config, arguments=arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "runs").exists()
