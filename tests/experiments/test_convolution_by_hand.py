"""Convolution by hand: the hand itself against numbers worked out on paper, and what a user may pass."""

import json

import numpy as np
import pytest
from PIL import Image

from experiments import convolution_by_hand
from experiments.harness.by_hand import Check, parse_kernel, parse_padding, slide
from experiments.harness.command import run
from experiments.harness.layer_sizes import size_records
from experiments.harness.slides_sums import slide_checks
from experiments.harness.slides_verdicts import figure_sentence, sentences


def test_the_hand_slides_pads_strides_and_adds():
    image = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])[..., None]
    kernel = np.array([[1, 0], [0, -1]])[:, :, None, None]
    assert slide(image, kernel, None, (1, 1), ((0, 0), (0, 0)))[..., 0].tolist() == [[-4, -4], [-4, -4]]
    assert slide(image, kernel, np.array([10]), (2, 2), ((1, 0), (0, 1)))[..., 0].tolist() == [[8, 10], [6, 16]]


@pytest.mark.slow
def test_every_result_of_the_slides_comes_out():
    checks = slide_checks()
    assert [one.what for one in checks if not one.agrees or one.as_printed is False] == []
    assert sum(one.as_printed is True for one in checks) == 10
    assert {line["agrees"] for line in size_records()} == {"yes"}
    assert {line["layer's parameters"] for line in size_records()} >= {"78", "228", "456", "100", "56"}


def test_a_wrong_library_is_found():
    one = Check("sum", np.array([1.0, 2.0]), np.array([1.0, 2.1]), np.array([1.0, 3.0]))
    assert (one.agrees, one.as_printed) == (False, False)
    assert not Check("shape", np.ones(2), np.ones(3)).agrees
    assert "agree on 0 of 1 calculations; not on sum" in sentences([one])[0]


@pytest.mark.parametrize("text", ["-1 0; 2 3", "[[-1, 0], [2, 3]]", "−1,0 ; 2,3;", "-1 0\n2 3"])
def test_kernels_are_read_as_people_write_them(text):
    assert parse_kernel(text).tolist() == [[-1, 0], [2, 3]]


@pytest.mark.parametrize("text", ["", "1 2; 3", "a b", "1 nan", "[]"])
def test_other_kernels_are_refused(text):
    with pytest.raises(ValueError, match=r"--kernel must be rows of as many numbers"):
        parse_kernel(text)


def test_paddings_are_read():
    assert [parse_padding(text) for text in ("valid", "Same", "2", "0,1;2, 3")] == [
        "VALID",
        "SAME",
        2,
        ((0, 1), (2, 3)),
    ]
    with pytest.raises(ValueError, match=r"--padding must be .*; got '-1'"):
        parse_padding("-1")
    for text in ("1001", "0,0;0,99999999"):
        with pytest.raises(ValueError, match=r"--padding must be at most 1,000 pixels a side"):
            parse_padding(text)


def test_kernels_beyond_float32_are_refused():
    with pytest.raises(ValueError, match=r"--kernel must hold numbers of at most 1e\+30, got 1e\+31"):
        parse_kernel("1 2; 3 -1e31")


def test_the_slides_stride_is_judged():
    assert figure_sentence() == (
        "A 2×2 output of a 4×4 input takes strides=1: does not hold; with same padding and a 3×3 kernel strides=1 "
        "gives 4×4, strides=2 gives 2×2."
    )


@pytest.mark.slow
def test_a_users_image_is_drawn_and_checked(tiny_sets, tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(0, 256, (13, 17, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    arguments = ["--dataset", "mnist", "--data-dir", str(tiny_sets), "--image", str(tmp_path / "photo.png")]
    arguments += ["--kernel", "-0.5 -1; 2 0; 1 1", "--stride", "2", "1", "--padding", "1,0;0,2"]
    run(convolution_by_hand.main, convolution_by_hand.Config, arguments=[*arguments, "--out", str(tmp_path / "out")])
    result = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))
    own = result["rows"][-1]
    assert (own["shape"], own["agrees"]) == ([6, 18, 1], True)
    assert all(row["agrees"] and row["as_the_slides_print"] is not False for row in result["rows"])
    pngs = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert pngs >= {"own_steps.png", "own_map.png", "masks.png", "channels.png", "neuron.png"}
    assert "A CNN's convolution is a cross-correlation: holds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kernel", "1 2; 3"], "--kernel must be rows"),
        (["--stride", "0"], "--stride must be"),
        (["--padding", "most"], "--padding must be"),
        (["--image", "nowhere.png"], "--image must be the path of a PNG or JPEG file, got nowhere.png"),
        (["--kernel", "; ".join(["1 " * 40] * 40)], "window must fit"),
    ],
)
def test_wrong_input_is_one_sentence(arguments, message, tiny_sets, tmp_path, capsys):
    given = ["--dataset", "mnist", "--data-dir", str(tiny_sets), "--out", str(tmp_path / "out"), *arguments]
    with pytest.raises(SystemExit) as stop:
        run(convolution_by_hand.main, convolution_by_hand.Config, arguments=given)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (tmp_path / "out").exists()
