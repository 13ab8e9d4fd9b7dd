"""From the equations of a trace back to the calls of the layers that made them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from jaxcnn.analysis.equations import Event
from jaxcnn.analysis.macs import CONVOLUTIONS, equation_macs
from jaxcnn.analysis.memory import array_bytes
from jaxcnn.analysis.receptive_field import Field
from jaxcnn.analysis.trace import OUTPUT, SCOPE

Tags = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Compute:
    """A convolution, product or pooling, as one equation."""

    primitive: str
    shape: tuple[int, ...]
    macs: int
    activation_bytes: int
    sees: Field


@dataclass
class Call:
    """One call of a layer, by its number (None: what no layer's call contains), and what was done in it, in order."""

    number: int | None
    done: list["Call | Compute"] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    activation_bytes: int = 0
    sees: Field = None

    @property
    def calls(self) -> list["Call"]:
        """The calls of layers within this one."""
        return [step for step in self.done if isinstance(step, Call)]

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those of the calls within included."""
        return sum(step.macs for step in self.done)


def call_tree(events: Iterable[Event]) -> Call:
    """The calls that some equations stem from, nested as they were made."""
    root = Call(None)
    unfinished: dict[Tags, Call] = {(): root}
    for event in events:
        tags = tuple(dict.fromkeys(SCOPE.findall(event.scopes)))
        call = find_call(unfinished, tags)
        if is_last_output(call, event):
            unfinished = {key: other for key, other in unfinished.items() if key[: len(tags)] != tags}
        elif is_compute(event):
            call.done.append(compute(event))
    return root


def find_call(unfinished: dict[Tags, Call], tags: Tags) -> Call:
    """The unfinished call with these tags, entered into the call around it if it is new."""
    if tags not in unfinished:
        unfinished[tags] = Call(int(tags[-1][0]))
        find_call(unfinished, tags[:-1]).done.append(unfinished[tags])
    return unfinished[tags]


def is_last_output(call: Call, event: Event) -> bool:
    """Take down an output, if the event is one, and say whether it ends the call."""
    output = OUTPUT.fullmatch(str(event.equation.params.get("name")))
    if output is None:
        return False
    result = event.equation.outvars[0].aval
    call.sees = call.sees if call.shapes else event.results[0]
    call.shapes.append(result.shape)
    call.activation_bytes += event.times * array_bytes(result)
    index, total = map(int, output.groups())
    return index == total - 1


def is_compute(event: Event) -> bool:
    """Whether an equation counts as a layer's work; a pooling of constants, such as a divisor's, does not."""
    name = event.equation.primitive.name
    depends = any(operand is not None for operand in event.operands)
    return name in (*CONVOLUTIONS, "dot_general") or (name.startswith("reduce_window") and depends)


def compute(event: Event) -> Compute:
    """The record of one equation."""
    result = event.equation.outvars[0].aval
    macs, size = event.times * equation_macs(event.equation), event.times * array_bytes(result)
    return Compute(event.equation.primitive.name, result.shape, macs, size, event.results[0])
