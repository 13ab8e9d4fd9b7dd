"""From a tree of calls to the rows of a summary."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from flax import nnx

from jaxcnn.analysis.layers import Call, Compute
from jaxcnn.analysis.layout import Layout, receptive_field
from jaxcnn.analysis.params import Path, sizes_by_owner
from jaxcnn.analysis.record import Row
from jaxcnn.analysis.trace import Trace, callable_modules


@dataclass
class Modules:
    """The modules of a model by number, and the parameters not yet shown in a row."""

    paths: list[Path] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    held: dict[Path, int] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)

    def name(self, number: int) -> str:
        """A module's path; the model's own class, in small letters, for the model itself."""
        return ".".join(map(str, self.paths[number])) or self.types[number].lower()

    def take(self, number: int, *, deep: bool) -> int:
        """The parameters a module holds, or (`deep`) all beneath it too, which no row has shown before."""
        top = self.paths[number]
        paths = [path for path in self.held if path == top or (deep and path[: len(top)] == top)]
        return sum(self.held.pop(path) for path in paths)

    def unique(self, name: str) -> str:
        """A name with a number behind it if it was there before."""
        self.used[name] += 1
        return name if self.used[name] == 1 else f"{name}_{self.used[name] - 1}"


def modules_of(model: nnx.Module) -> Modules:
    """A model's modules, none shown yet."""
    found = callable_modules(model)
    paths = [path for path, _ in found]
    return Modules(paths, [type(module).__name__ for _, module in found], sizes_by_owner(model, paths))


def call_rows(call: Call, modules: Modules, layout: Layout) -> Iterator[Row]:
    """The rows of a call: one if it is a layer's, else those of all that was done in it, then of its own parameters."""
    if call.number is not None and not call.calls:
        yield layer_row(call, call.number, modules, layout)
        return
    for step in call.done:
        if isinstance(step, Call):
            yield from call_rows(step, modules, layout)
        else:
            yield compute_row(step, call.number, modules, layout)
    if call.number is not None and call.shapes:
        yield from parameter_row(call.number, modules)


def layer_row(call: Call, number: int, modules: Modules, layout: Layout) -> Row:
    """The row of a layer's call."""
    shapes = call.shapes[0] if len(call.shapes) == 1 else tuple(call.shapes) or None
    return Row(
        name=modules.name(number),
        type=modules.types[number],
        output_shape=shapes,
        params=modules.take(number, deep=True),
        macs=call.macs,
        activation_bytes=call.activation_bytes,
        receptive_field=receptive_field(call.sees, layout),
    )


def compute_row(step: Compute, number: int | None, modules: Modules, layout: Layout) -> Row:
    """The row of an equation that no layer contains."""
    within = [modules.name(number)] if number is not None and modules.paths[number] else []
    return Row(
        name=modules.unique(".".join([*within, step.primitive])),
        type=step.primitive,
        output_shape=step.shape,
        macs=step.macs,
        activation_bytes=step.activation_bytes,
        receptive_field=receptive_field(step.sees, layout),
    )


def parameter_row(number: int, modules: Modules) -> Iterator[Row]:
    """The row of what a module holds itself, if it holds something that no row has shown."""
    params = modules.take(number, deep=False)
    if params:
        yield Row(modules.name(number), modules.types[number], params=params)


def uncalled_rows(modules: Modules) -> Iterator[Row]:
    """The rows of parameters that no call has shown."""
    for number in range(len(modules.paths)):
        yield from parameter_row(number, modules)


def failed(rows: list[Row], trace: Trace, modules: Modules, name: str) -> list[Row]:
    """The rows up to the layer that failed, which tells its error."""
    number, error = trace.failed, f"{type(trace.error).__name__}: {trace.error}"
    name, kind = (name, "function") if number is None else (modules.name(number), modules.types[number])
    if rows and rows[-1].output_shape is None and rows[-1].name == name:
        return [*rows[:-1], replace(rows[-1], error=error)]
    params = 0 if number is None else modules.take(number, deep=False)
    return [*rows, Row(name, kind, params=params, error=error)]
