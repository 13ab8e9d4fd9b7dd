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

from experiments.harness.by_hand import Check, parse_kernel, parse_padding
from experiments.harness.command import run
from experiments.harness.convolution_pictures import Own, masks_section, own_section, slide_sections
from experiments.harness.environment import environment
from experiments.harness.layer_sizes import size_records
from experiments.harness.options import Options, check, describe, load_both
from experiments.harness.results import open_folder, write_report, write_result
from experiments.harness.slides_sums import check_conv, slide_checks
from experiments.harness.slides_verdicts import sentences
from experiments.harness.tables import Records, print_table
from jaxcnn import geometry
from jaxcnn.data import Dataset
from jaxcnn.data.images import read_image
from jaxcnn.visualization import Note, Section, Table

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
    write_report(folder, "Convolution by hand", sections, [source, *findings], where)
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


if __name__ == "__main__":
    run(main, Config)
