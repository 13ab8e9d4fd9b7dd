"""The sets that jaxcnn knows by name: their classes, and where their files are published under which checksums."""

import dataclasses
import string

_DIGITS = tuple(string.digits)
# In the order of the mapping files that come with EMNIST. Where both cases are one class, the mapping of bymerge and
# balanced gives the upper one, that of letters both.
_MERGED = (*_DIGITS, *string.ascii_uppercase, *"abdefghnqrt")
_LETTERS = tuple(f"{upper}/{upper.lower()}" for upper in string.ascii_uppercase)

CLASS_NAMES = {
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "emnist/balanced": _MERGED,
    "emnist/byclass": (*_DIGITS, *string.ascii_uppercase, *string.ascii_lowercase),
    "emnist/bymerge": _MERGED,
    "emnist/digits": _DIGITS,
    "emnist/letters": _LETTERS,
    "emnist/mnist": _DIGITS,
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "mnist": _DIGITS,
}


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """One file as it must arrive: its size in bytes and the SHA-256 of all of them."""

    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The last part of the address, under which the file is kept."""
        return self.url.rpartition("/")[2]


@dataclasses.dataclass(frozen=True)
class Published:
    """A set as its authors publish it; `version` is that of the same images in TFDS's catalogue."""

    name: str
    version: str
    homepage: str
    files: tuple[RemoteFile, ...]

    @property
    def family(self) -> str:
        """The first part of the name: sets of one family come from the same files."""
        return family(self.name)


def family(name: str) -> str:
    """What stands before the slash in a set's name, or all of it."""
    return name.partition("/")[0]


def _mnist(name: str, homepage: str, place: str, *files: tuple[str, int, str]) -> Published:
    remote = tuple(RemoteFile(f"{place}/{file}-ubyte.gz", size, sha256) for file, size, sha256 in files)
    return Published(name, "3.0.1", homepage, remote)


def _emnist(part: str) -> Published:
    archive = RemoteFile(
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        561753746,
        "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    )
    # TFDS's own 3.1.0 has the images lying on their side, 37 classes of letters, and not all letters: another version.
    homepage = "https://www.nist.gov/itl/products-and-services/emnist-dataset"
    return Published(f"emnist/{part}", "4.0.0", homepage, (archive,))


# Sizes and sums as TFDS 4.9.10 pins them in its url_checksums.
PUBLISHED = {
    "cifar10": Published(
        "cifar10",
        "3.0.2",
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        (
            RemoteFile(
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                170052171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
    ),
    **{name: _emnist(name.removeprefix("emnist/")) for name in CLASS_NAMES if family(name) == "emnist"},
    "fashion_mnist": _mnist(
        "fashion_mnist",
        "https://github.com/zalandoresearch/fashion-mnist",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ("train-images-idx3", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        ("train-labels-idx1", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        ("t10k-images-idx3", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ("t10k-labels-idx1", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    "kmnist": _mnist(
        "kmnist",
        "https://codh.rois.ac.jp/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist",
        ("train-images-idx3", 18165135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        ("train-labels-idx1", 29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        ("t10k-images-idx3", 3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        ("t10k-labels-idx1", 5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    ),
    "mnist": _mnist(
        "mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
        ("train-images-idx3", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
}
