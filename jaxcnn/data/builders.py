"""Labelled images written as a TFDS set of array_record files, without TensorFlow."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jaxcnn.data.dataset import Dataset
from jaxcnn.data.prepared import quiet
from jaxcnn.data.published import Published


def write_set(
    root: Path, published: Published, splits: Mapping[str, Dataset], origin: str, advance: Callable[[], None]
) -> Path:
    """Writes the splits under `root`, in the order of their images, and counts what was written.

    Args:
        root: gets NAME/VERSION.
        published: whose name, version and homepage the set bears.
        splits: such as train and test, of one image shape and one tuple of class names.
        origin: an address or a folder, for `prepared.origin`.
        advance: called once an image.

    Returns:
        The folder NAME/VERSION; a NAME with a slash is a set and its configuration, for TFDS too.

    Raises:
        OSError: files that can't be written, or that hold fewer images than were written.
    """
    import tensorflow_datasets as tfds  # here, so that `import jaxcnn` stays instant

    # TFDS itself would ask Google's cloud for a prepared copy, and for minutes where there is no network.
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    with quiet():
        builder = _builder(root, published, splits, origin, advance)
        builder.download_and_prepare(download_dir=root / "downloads", download_config=config)
        _check_counts(builder, splits)
    return Path(builder.data_dir)


def _builder(
    root: Path, published: Published, splits: Mapping[str, Dataset], origin: str, advance: Callable[[], None]
) -> Any:
    import tensorflow_datasets as tfds

    part = published.name.removeprefix(published.family).removeprefix("/")

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        """The named set, from arrays that were read and checked before."""

        name = published.family
        VERSION = tfds.core.Version(published.version)
        BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=part)] if part else []

        def _info(self):
            shape, classes = _form(splits)
            features = {"image": tfds.features.Image(shape=shape), "label": tfds.features.ClassLabel(names=classes)}
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
                homepage=published.homepage,
                disable_shuffling=True,
                metadata=tfds.core.MetadataDict(origin=origin),
            )

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(dataset) for split, dataset in splits.items()}

        def _generate_examples(self, dataset):
            return _examples(dataset, advance)

    return Builder(data_dir=root, file_format="array_record")


def _form(splits: Mapping[str, Dataset]) -> tuple[tuple[int, ...], list[str]]:
    first, *others = splits.values()
    for other in others:
        if other.images.shape[1:] != first.images.shape[1:]:
            raise ValueError(
                f"the splits must have images of one size, got {first.images.shape[1:]} and {other.images.shape[1:]}."
            )
    return first.images.shape[1:], list(first.class_names)


def _examples(dataset: Dataset, advance: Callable[[], None]) -> Iterator[tuple[int, dict[str, Any]]]:
    from PIL import Image

    # TFDS encodes arrays by TensorFlow's ops or OpenCV; a PIL image needs neither.
    for index, (image, label) in enumerate(zip(dataset.images, dataset.labels, strict=True)):
        yield index, {"image": Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image), "label": int(label)}
        advance()


def _check_counts(builder: Any, splits: Mapping[str, Dataset]) -> None:
    for split, dataset in splits.items():
        if (written := len(builder.as_data_source(split=split))) != len(dataset):
            raise OSError(
                f"{builder.data_dir} must hold {len(dataset)} images of {split}, got {written} after writing."
            )
