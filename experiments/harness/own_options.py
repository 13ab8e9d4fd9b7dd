"""The options of `experiments.own_images`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from experiments.harness.options import RunOptions, check
from jaxcnn.arguments import as_int
from jaxcnn.data.images import check_form

SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class Config(RunOptions):
    """A model of choice on a folder of images."""

    dataset: Annotated[
        str, tyro.conf.arg(help="folder:PATH, of a folder that holds a folder a class, with PNG or JPEG files.")
    ] = ""
    folder: Annotated[Path | None, tyro.conf.arg(help="The same folder by its path alone.")] = None
    model: Annotated[
        Literal["convnet", "swish_cnn", "lenet5", "simple_cnn", "fashion_cnn", "mlp"], tyro.conf.arg(help="The model.")
    ] = "convnet"
    image_size: Annotated[
        int | None, tyro.conf.arg(help="Height and width of all images, in pixels; None where the files have one size.")
    ] = None
    resize: Annotated[
        Literal["stretch", "pad", "crop"],
        tyro.conf.arg(help="How files of other proportions reach --image-size: distorted, with black edges, or cut."),
    ] = "stretch"
    channels: Annotated[
        Literal[1, 3] | None, tyro.conf.arg(help="1 for grey, 3 for RGB; None where the files are all of one kind.")
    ] = None
    validation: Annotated[
        float | None,
        tyro.conf.arg(
            help=f"Share of each class to hold back; None means FOLDER/test, or {SHARE} where there is none."
        ),
    ] = None
    skip_broken: Annotated[
        bool, tyro.conf.arg(help="Leave out files that hold no image, or a damaged one, and say how many.")
    ] = False
    stream: Annotated[
        bool, tyro.conf.arg(help="Read the training images as training goes, for folders larger than memory.")
    ] = False
    split_seed: Annotated[int, tyro.conf.arg(help="Decides which images are held back.")] = 0
    seeds: Annotated[int, tyro.conf.arg(help="How often the model is trained, with seeds 0, 1, …")] = 1
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training images; 0 trains nothing.")] = 5
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/own_images"
    )

    @property
    def root(self) -> Path:
        """The folder that --dataset or --folder names.

        Raises:
          ValueError: for both of them, neither, or a set that is no folder.
        """
        kind, _, path = self.dataset.partition(":")
        if bool(self.dataset) == (self.folder is not None) or (self.dataset and not (kind == "folder" and path)):
            raise ValueError(
                f"--dataset must be folder:PATH, or --folder a path, and not both; got --dataset {self.dataset!r}"
                f" and --folder {self.folder}; experiments.pooling trains on named sets"
            )
        return self.folder or Path(path)

    @property
    def share(self) -> float:
        """The share of each class to hold back, where there is no folder for that."""
        return SHARE if self.validation is None else self.validation


def check_config(config: Config) -> None:
    """Refuse options that can't be meant, before anything is read.

    Raises:
      ValueError: names the option.
    """
    check(config)
    if not 0 < config.share < 1:
        raise ValueError(f"--validation must lie between 0 and 1, both excluded, got {config.validation}; try {SHARE}")
    as_int("--split-seed", config.split_seed, minimum=0)
    check_form("--image-size", config.image_size, config.channels, config.resize)
