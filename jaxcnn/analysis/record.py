"""The result of an analysis: plain numbers, and the table they make."""

from dataclasses import asdict, dataclass
from typing import Any

from jaxcnn.analysis.table import human_bytes, human_count, markdown_table, text_table

HEADER = ("Layer (type)", "Output Shape", "Param #", "MACs", "Activations", "Receptive Field")
LEFT = 2


@dataclass(frozen=True)
class Row:
    """One layer of a summary.

    Attributes:
      name: the layer's path in the model ("conv1", "layers.0"); the primitive's name for what no layer contains.
      type: the layer's class; the primitive's name for what no layer contains.
      output_shape: full shape of the output, batch included; a tuple of shapes for several outputs; None for a module
        that was not called or failed.
      params: parameters of the layer, trainable or not; 0 from a shared layer's second call on.
      macs: multiply-accumulates of the call.
      activation_bytes: bytes of the output.
      receptive_field: pixels of the input behind one cell of the output, for each spatial dimension; () where the
        input has none; None where it is not known, or nothing is seen.
      error: what the layer raised.
    """

    name: str
    type: str
    output_shape: tuple[Any, ...] | None = None
    params: int = 0
    macs: int = 0
    activation_bytes: int = 0
    receptive_field: tuple[int, ...] | None = None
    error: str | None = None


@dataclass(frozen=True)
class Summary:
    """A model's layers in the order of their calls, and totals; `str()` prints the table.

    Attributes:
      name: the model's class or the function's name.
      rows: one a layer; see `Row`.
      total_params: parameters of the model, trainable or not, each once. Random state is not one.
      trainable_params: the elements of its `nnx.Param`s.
      param_bytes: memory of all its parameters.
      error: the sentence that says which layer failed and how, if one did; its row is the last one.
      notes: what the counts leave out.
    """

    name: str
    rows: tuple[Row, ...]
    total_params: int
    trainable_params: int
    param_bytes: int
    error: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def non_trainable_params(self) -> int:
        """Parameters that no gradient changes, such as BatchNorm's moving statistics."""
        return self.total_params - self.trainable_params

    @property
    def total_macs(self) -> int:
        """Multiply-accumulates of one forward pass."""
        return sum(row.macs for row in self.rows)

    @property
    def total_activation_bytes(self) -> int:
        """Bytes of all the layers' outputs."""
        return sum(row.activation_bytes for row in self.rows)

    def __str__(self) -> str:
        table = text_table(HEADER, [cells(row) for row in self.rows], LEFT)
        return "\n".join([f"Model: {self.name}", table, *self._totals(), *self._remarks()])

    def to_markdown(self) -> str:
        """The same table and totals in Markdown."""
        table = markdown_table(HEADER, [cells(row) for row in self.rows], LEFT)
        totals = [f"- {line}" for line in self._totals()]
        return "\n".join([table, "", *totals, *(f"\n{line}" for line in self._remarks())]) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Everything, exact, as JSON can hold it."""
        totals = ("non_trainable_params", "total_macs", "total_activation_bytes")
        return as_json(asdict(self) | {name: getattr(self, name) for name in totals})

    def _totals(self) -> list[str]:
        return [
            f"Total params: {self.total_params:,} ({human_bytes(self.param_bytes)})",
            f"Trainable params: {self.trainable_params:,}",
            f"Non-trainable params: {self.non_trainable_params:,}",
            f"Total MACs: {self.total_macs:,}",
            f"Total activations: {human_bytes(self.total_activation_bytes)}",
        ]

    def _remarks(self) -> list[str]:
        return [*([f"Error: {self.error}"] if self.error else []), *(f"Note: {note}" for note in self.notes)]


def cells(row: Row) -> list[str]:
    """A row as the table prints it."""
    return [
        row.name if row.name == row.type else f"{row.name} ({row.type})",
        "failed" if row.error else shape_text(row.output_shape),
        f"{row.params:,}",
        human_count(row.macs),
        human_bytes(row.activation_bytes),
        "×".join(map(str, row.receptive_field or ())) or "–",
    ]


def shape_text(shape: tuple[Any, ...] | None) -> str:
    """A shape as Python prints it; a dash for none."""
    return "–" if shape is None else str(shape)


def as_json(value: Any) -> Any:
    """Tuples as lists, all the way down."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, (tuple, list)) else value
