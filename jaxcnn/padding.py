"""Padding in any of its spellings, as pixels before and after each spatial dimension."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from jaxcnn.arguments import Padding, as_int, entries, refuse_huge, shown

Pairs: TypeAlias = tuple[tuple[int, int], ...]

PADDING_WORDS = ("VALID", "SAME", "SAME_LOWER", "FULL", "CAUSAL")


def dilated(size: int, dilation: int) -> int:
    """Pixels that `size` taps span when `dilation` − 1 holes lie between neighbours."""
    return (size - 1) * dilation + 1 if size else 0


def padding_pairs(
    padding: Padding, spatial: Sequence[int], window: Sequence[int], *, strides: Sequence[int], dilation: Sequence[int]
) -> Pairs:
    """The contract's `padding`, in any of its spellings, as one (low, high) pair of pixels a spatial dimension.

    Args:
      padding: a word ("VALID", "SAME", "SAME_LOWER", "FULL", or in 1-D "CAUSAL"; any case), an int, N ints
        (symmetric, as in PyTorch), or N (low, high) pairs.
      spatial, window, strides, dilation: N ints each; `dilation` is the window's.

    Raises:
      ValueError: for any other padding.
    """
    if isinstance(padding, str):
        pairs = _word_pairs(padding, spatial, window, strides, dilation)
    else:
        pairs = _number_pairs(padding, len(spatial))
    refuse_huge("padding", [n + sum(pair) for n, pair in zip(spatial, pairs, strict=True)])
    return pairs


def _number_pairs(padding: Any, spatial_dims: int) -> Pairs:
    pads = entries(padding)
    if pads is None:
        pads = (padding,) * spatial_dims
    if len(pads) == spatial_dims and len({entries(pad) is None for pad in pads}) == 1:
        try:
            return tuple(map(_pair, pads))
        except (TypeError, ValueError):
            pass
    raise ValueError(f"padding must be {_padding_rule(spatial_dims)}; got {shown(padding)}")


def _pair(pad: Any) -> tuple[int, int]:
    low, high = (pad, pad) if entries(pad) is None else pad
    return as_int("padding", low, minimum=0), as_int("padding", high, minimum=0)


def _padding_rule(spatial_dims: int) -> str:
    words = PADDING_WORDS if spatial_dims == 1 else PADDING_WORDS[:-1]
    pairs = "[(low, high)]" if spatial_dims == 1 else f"{spatial_dims} (low, high) pairs"
    return f"one of {', '.join(words)}, an integer >= 0, {spatial_dims} of them (symmetric), or {pairs}"


def _word_pairs(
    word: str, spatial: Sequence[int], window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> Pairs:
    name = word.upper()
    if name not in PADDING_WORDS or (name == "CAUSAL" and len(spatial) != 1):
        raise ValueError(f"padding must be {_padding_rule(len(spatial))}; got {word!r} for {len(spatial)}-D")
    spans = [dilated(w, d) for w, d in zip(window, dilation, strict=True)]
    if name == "VALID":
        return ((0, 0),) * len(spatial)
    if name == "FULL":
        return tuple((span - 1, span - 1) for span in spans)
    if name == "CAUSAL":
        return ((spans[0] - 1, 0),)
    totals = [max((-(-n // s) - 1) * s + span - n, 0) for n, s, span in zip(spatial, strides, spans, strict=True)]
    if name == "SAME":
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((total - total // 2, total // 2) for total in totals)
