"""What `experiments.from_scratch` writes and prints."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.harness.environment import environment
from experiments.harness.flax_twin import Followed
from experiments.harness.options import Options, describe, duration
from experiments.harness.pictures import images_picture
from experiments.harness.results import write_picture, write_report, write_result
from experiments.harness.statistics import band, estimate
from experiments.harness.tables import Records, accuracy_records, print_table
from jaxcnn.data import Dataset
from jaxcnn.visualization import Curve, Note, Picture, Section, Table, curves

EXPECTED_SLOPES = (5.0, 14.0, 29.0)
# Float32 carries seven digits; an epoch's steps add up what rounding changes, and more where it decides a tie.
ROUNDING = 1e-4

Rows = Sequence[Mapping[str, Any]]


def present(
    config: Options,
    folder: Path,
    train: Dataset,
    test: Dataset,
    rows: Rows,
    slopes: Sequence[float],
    followed: Followed,
) -> None:
    """Write result.json, the pictures and the report, and print the same tables and sentences."""
    where = environment()
    write_result(folder, "from_scratch", config, where, rows, complete=True)
    findings = [slopes_sentence(slopes), equality_sentence(followed), learning_sentence(rows)]
    tables = tables_of(slopes, followed, rows)
    for title, (records, _) in tables.items():
        print_table(records, title=title)
    print(*findings, sep="\n")
    sections = [Section(title, [Table(records, caption)]) for title, (records, caption) in tables.items()]
    if rows[0]["history"]:
        sections.append(Section("Training", [losses_picture(folder, rows)]))
    sections.append(Section("The images", [images_picture(folder, train)]))
    source = Note(describe(train, test, quick=config.quick), warning=config.quick or train.source == "sample")
    write_report(folder, "A convolutional network from scratch", sections, [source, *findings], where)


def tables_of(slopes: Sequence[float], followed: Followed, rows: Rows) -> dict[str, tuple[Records, str]]:
    """Title -> (lines, caption); nothing where nothing was trained."""
    tables = {
        "Automatic differentiation": (slope_records(slopes), "The slope of x³ + 2x + 5, by jax.grad and by hand.")
    }
    if followed.losses:
        caption = "The same weights at the start, the same batches; losses before the step, parameters after it."
        tables["Step by step beside Flax"] = (step_records(followed), caption)
    if achieved := accuracy_records(rows):
        caption = f"Means over {len(rows)} seeds, with 95% confidence intervals (Student's t) from two seeds on."
        tables["What it achieved"] = (achieved, caption)
    return tables


def slope_records(slopes: Sequence[float]) -> Records:
    """A line a point."""
    return [
        {"x": f"{x}", "3x² + 2 by hand": f"{by_hand:g}", "jax.grad": f"{slope:g}"}
        for x, by_hand, slope in zip((1, 2, 3), EXPECTED_SLOPES, slopes, strict=True)
    ]


def step_records(followed: Followed) -> Records:
    """The first steps, then ever rarer ones, and the last."""
    steps = len(followed.losses)
    shown = sorted({step for step in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, steps) if step <= steps})
    return [
        {
            "step": f"{step:,}",
            "loss from scratch": f"{followed.losses[step - 1]:.7f}",
            "loss with Flax": f"{followed.flax_losses[step - 1]:.7f}",
            "largest difference of a parameter": f"{followed.differences[step - 1]:.1e}",
        }
        for step in shown
    ]


def slopes_sentence(slopes: Sequence[float]) -> str:
    """Whether automatic differentiation gives the slides' numbers."""
    shown = ", ".join(f"{slope:g}" for slope in slopes)
    if tuple(slopes) == EXPECTED_SLOPES:
        return f"Automatic differentiation: holds. jax.grad of x³ + 2x + 5 at 1, 2, 3 gives {shown}, exactly 3x² + 2."
    return f"Automatic differentiation: does not hold. jax.grad gives {shown} at 1, 2, 3; 3x² + 2 is 5, 14, 29."


def equality_sentence(followed: Followed) -> str:
    """Whether the two nets took the same steps."""
    if not followed.losses:
        return "Equality with the Flax model: not tried, as --epochs 0 takes no step."
    loss, parameter = followed.loss_difference, max(followed.differences)
    numbers = (
        f"over {len(followed.losses):,} steps of SGD from the same weights, the losses of the two differ by "
        f"{loss:.1e} at most, and any parameter by {parameter:.1e}"
    )
    if max(loss, parameter) <= ROUNDING:
        return f"Equality with the Flax model: holds; {numbers}, which is float32 rounding."
    return f"Equality with the Flax model: does not hold; {numbers}, more than rounding explains."


def learning_sentence(rows: Rows) -> str:
    """Whether SGD on mini-batches taught the net anything."""
    if not rows[0]["history"]:
        return f"The network has {rows[0]['params']:,} parameters; nothing was trained, so it says nothing of learning."
    first, last = (estimate([row["history"]["val_loss"][i] for row in rows]).mean for i in (0, -1))
    accuracy = estimate([row["test_accuracy"] for row in rows]).text(4)
    epochs = len(rows[0]["history"]["loss"])
    trend = "falls" if last < first else "does not fall: it goes"
    change = f"{trend} from {first:.3f} to {last:.3f}" if epochs > 1 else f"is {last:.3f}"
    return (
        f"The network of {rows[0]['params']:,} parameters learns by plain SGD: the validation loss {change} over "
        f"{duration(epochs)}, and the test accuracy is {accuracy}."
    )


def losses_picture(folder: Path, rows: Rows) -> Picture:
    """The slides' plot: training and validation loss, means over the seeds."""
    lines = []
    for name, dashed in (("loss", False), ("val_loss", True)):
        epochs = [estimate(values) for values in zip(*(row["history"][name] for row in rows), strict=True)]
        ends = band(epochs, 0.0) if dashed else (None, None)
        lines.append(Curve("from_scratch", "mean over seeds", [e.mean for e in epochs], dashed, *ends))
    figure = curves(lines, title="Loss by epoch", ylabel="cross-entropy (nats)", dashed_label="validation")
    return write_picture(folder, "loss", figure, "Lines: training and validation loss of the network by epoch.")
