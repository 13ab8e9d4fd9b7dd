"""Convolution by hand: every window, product and sum of the slides, drawn and checked; and your own image and kernel.

The claims of the lectures: a convolution is a neuron that slides; CNNs compute the cross-correlation and call it
convolution; padding and stride decide the output's size, (W − F + 2P)/S + 1; a filter sees all channels, each filter
makes one feature map, and a layer has K·F²·D + K parameters; masks find edges and lines.

Run `python -m experiments.convolution_by_hand`: about ten seconds on two cores; nothing is trained. Expect every
calculation by hand to agree with the library's operation, and with every result that the slides print.
Your own image is drawn and checked the same way:
`python -m experiments.convolution_by_hand --image PHOTO.png --kernel '0 -1 0; 0 1 0; 0 0 0' --stride 2 --padding 1`
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from numpy.typing import NDArray

from experiments.harness import slides_sums as slides
from experiments.harness.by_hand import Check, parse_kernel, parse_padding
from experiments.harness.command import run
from experiments.harness.convolution_pictures import Own, masks_section, own_section, slide_sections
from experiments.harness.environment import environment
from experiments.harness.options import Options, check, describe, load_both
from experiments.harness.results import open_folder, write_result
from experiments.harness.slides_sums import check_conv, size_records, slide_checks
from experiments.harness.tables import Records, print_table
from jaxcnn import geometry
from jaxcnn.data import Dataset
from jaxcnn.data.images import read_image
from jaxcnn.visualization import Note, Section, Table, report, write_atomically

UNUSED = "As every experiment takes it; nothing is trained here."


@dataclass(frozen=True)
class Config(Options):
    """Convolution by hand."""

    dataset: Annotated[str, tyro.conf.arg(help="Data set of the images: fashion_mnist or mnist.")] = "fashion_mnist"
    image: Annotated[Path | None, tyro.conf.arg(help="PNG or JPEG; None for the set's first training image.")] = None
    kernel: Annotated[str, tyro.conf.arg(help="Rows of numbers, separated by ';', the same for every channel.")] = (
        "-1 -1 -1; 2 2 2; -1 -1 -1"
    )
    stride: Annotated[tuple[int, ...], tyro.conf.arg(help="Pixels: one number, or one down and one to the right.")] = (
        1,
    )
    padding: Annotated[
        str, tyro.conf.arg(help="valid, same, same_lower, full, pixels on all sides, or 'top,bottom;left,right'.")
    ] = "valid"
    epochs: Annotated[int, tyro.conf.arg(help=UNUSED)] = 0
    batch_size: Annotated[int, tyro.conf.arg(help=UNUSED)] = 64
    seeds: Annotated[int, tyro.conf.arg(help=UNUSED)] = 1
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/convolution_by_hand"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Calculate, check and draw; returns the rows of `result.json`, one a calculation."""
    check(config)
    train, test = load_both(config)
    own = calculate(config, train)
    folder, where = open_folder(config.out), environment()
    checks = [*slide_checks(), own.check]
    rows = [one.to_row() for one in checks]
    write_result(folder, "convolution_by_hand", config, where, rows, complete=True)
    findings, tables = sentences(checks), {"By hand and by the library": check_records(checks), "Sizes": size_records()}
    for title, records in tables.items():
        print_table(records, title=title)
    print(*findings, sep="\n")
    source = Note(describe(train, test, quick=config.quick), warning=train.source == "sample")
    sections = [*drawn_sections(folder, own, train), *(Section(t, [Table(r, CAPTIONS[t])]) for t, r in tables.items())]
    page = folder / "report.html"
    text = report("Convolution by hand", sections, introduction=[source, *findings], environment=where)
    write_atomically(page, text)
    print(f"Report: {page}")
    return rows


def calculate(config: Config, train: Dataset) -> Own:
    """The user's convolution, by hand and by the library.

    Raises:
      ValueError, OSError: for an image, kernel, stride or padding that can't be meant, or don't fit each other.
    """
    name, image = own_image(config, train)
    kernel, padding, strides = parse_kernel(config.kernel), parse_padding(config.padding), as_strides(config.stride)
    what = f"{name}, kernel {config.kernel}, stride {'×'.join(map(str, strides))}, padding {config.padding}"
    return Own(name, image, kernel, strides, padding, check_conv(what, image, kernel, strides=strides, padding=padding))


def drawn_sections(folder: Path, own: Own, train: Dataset) -> list[Section]:
    """The user's convolution, the slides', and the slides' masks on the user's image and three of the set."""
    others = range(1, min(4, len(train)))
    pictures = [own.image, *(as_float(train.images[i]) for i in others)]
    names = [own.name, *(train.class_names[train.labels[i]] for i in others)]
    return [own_section(folder, own), *slide_sections(folder), masks_section(folder, pictures, names)]


CAPTIONS = {
    "By hand and by the library": "Sums of products in float64 beside the library's operation in its own precision.",
    "Sizes": "W pixels, F taps, stride S, padding P on each side, D channels, K filters; a fraction is rounded down.",
}


def own_image(config: Config, train: Dataset) -> tuple[str, NDArray]:
    """The user's image and its name, or the first of the set, as floats from 0 to 255.

    Raises:
      ValueError, OSError: for a path that is no image.
    """
    if config.image is None:
        return f"{train.name}, {train.class_names[train.labels[0]]}", as_float(train.images[0])
    if not config.image.is_file():
        raise ValueError(f"--image must be the path of a PNG or JPEG file, got {config.image}, where there is no file")
    return config.image.name, as_float(read_image(config.image))


def as_float(pixels: NDArray) -> NDArray:
    """Pixels (height, width, channels) that subtract below 0."""
    return pixels.astype(np.float32)


def as_strides(stride: tuple[int, ...]) -> tuple[int, int]:
    """One number for both directions, or one each.

    Raises:
      ValueError: for other counts, or a stride below 1.
    """
    down, right = geometry.as_sizes("--stride", stride * 2 if len(stride) == 1 else stride, 2)
    return down, right


def check_records(checks: Sequence[Check]) -> Records:
    """A line a calculation."""
    words = {None: "–", True: "yes", False: "NO"}
    return [
        {
            "calculation": one.what,
            "output": "×".join(map(str, one.by_hand.shape)),
            "largest difference": f"{one.difference:.1e}",
            "hand and library agree": words[one.agrees],
            "as the slides print": words[one.as_printed],
        }
        for one in checks
    ]


def sentences(checks: Sequence[Check]) -> list[str]:
    """What the calculations say of the slides."""
    wrong = [one.what for one in checks if not one.agrees]
    printed = [one for one in checks if one.as_printed is not None]
    odd = [one.what for one in printed if not one.as_printed]
    return [
        f"Hand and library agree on {len(checks) - len(wrong)} of {len(checks)} calculations"
        + (f"; not on {', '.join(wrong)}." if wrong else "."),
        f"Of {len(printed)} results that the slides print, {len(printed) - len(odd)} are as printed"
        + (f"; not {', '.join(odd)}." if odd else "."),
        correlation_sentence(),
        figure_sentence(),
        stride_sentence(),
        size_sentence(),
    ]


def correlation_sentence() -> str:
    """Which of SciPy's two functions the convolution of a CNN is."""
    x, kernel = slides.SIGNAL[None, :, None], slides.SIGNAL_KERNEL[None, :, None, None]
    layer = check_conv("", x, kernel).library.ravel().astype(int).tolist()
    found = {
        name: slides.check_signal(name, "valid").library.astype(int).tolist() for name in ("correlate", "convolve")
    }
    same = [name for name, result in found.items() if result == layer]
    verdict = "holds" if same == ["correlate"] else "does not hold"
    return (
        f"A CNN's convolution is a cross-correlation: {verdict}; on the slides' numbers it gives {found['correlate']} "
        f"as SciPy's correlate, where convolve, which flips the kernel, gives {found['convolve']}."
    )


def figure_sentence() -> str:
    """Whether strides=1 gives the 2×2 output of the figure above it, as one slide has it."""
    sides = {
        stride: check_conv("", slides.STRIDED_SQUARE, slides.COUNTING, strides=stride, padding="SAME").library.shape[0]
        for stride in (1, 2)
    }
    told = ", ".join(f"strides={stride} gives {side}×{side}" for stride, side in sides.items())
    return (
        f"A 2×2 output of a 4×4 input takes strides=1: {'holds' if sides[1] == 2 else 'does not hold'}; with same "
        f"padding and a 3×3 kernel {told}."
    )


def stride_sentence() -> str:
    """Whether a zero all round is what SAME means at stride 2, as the slides draw it."""
    around, same = (
        check_conv("", slides.STRIDED_SQUARE, slides.COUNTING, strides=2, padding=padding) for padding in (1, "SAME")
    )
    equal = around.by_hand.tolist() == same.by_hand.tolist()
    pads = geometry.padding_pairs("SAME", (4,), (3,), strides=(2,), dilation=(1,))[0]
    numbers = " and ".join(f"{one.by_hand[..., 0].tolist()}".replace(".0", "") for one in (around, same))
    return (
        f"SAME at stride 2 is a zero all round: {'holds' if equal else 'does not hold'}; of a 4×4 input TensorFlow "
        f"pads {pads[0]} before and {pads[1]} after, both give 2×2, but of the numbers {numbers}."
    )


def size_sentence() -> str:
    """Whether the output of a 4×4 input has 4 − stride pixels a side, as one slide reckons."""
    sizes = [geometry.conv_output_shape((4,), (window,))[0] for window in (2, 3)]
    verdict = "holds" if sizes == [3, 3] else "does not hold"
    return (
        f"The output is the input less the stride (4 − 1 = 3): {verdict}; it is (W − F + 2P)/S + 1, which for 4 pixels "
        f"at stride 1 is {sizes[0]} with a 2×2 filter, as drawn, but {sizes[1]} with a 3×3 one."
    )


if __name__ == "__main__":
    run(main, Config)
