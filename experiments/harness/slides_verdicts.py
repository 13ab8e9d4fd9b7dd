"""What the calculations say of the slides' convolutions, in sentences written from the numbers."""

from collections.abc import Sequence

from experiments.harness import slides_sums as slides
from experiments.harness.by_hand import Check
from experiments.harness.slides_sums import check_conv
from jaxcnn import geometry


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
        f"pads {pads[0]} before and {pads[1]} after, both give 2×2, but of other numbers: {numbers}."
    )


def size_sentence() -> str:
    """Whether the output of a 4×4 input has 4 − stride pixels a side, as one slide reckons."""
    sizes = [geometry.conv_output_shape((4,), (window,))[0] for window in (2, 3)]
    verdict = "holds" if sizes == [3, 3] else "does not hold"
    return (
        f"The output is the input less the stride (4 − 1 = 3): {verdict}; it is (W − F + 2P)/S + 1, which for 4 pixels "
        f"at stride 1 is {sizes[0]} with a 2×2 filter, as drawn, but {sizes[1]} with a 3×3 one."
    )
