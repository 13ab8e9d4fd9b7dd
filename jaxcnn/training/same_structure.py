"""Models that are trained side by side: one structure, and nothing shared."""

from collections.abc import Iterable, Sequence

from flax import nnx

from jaxcnn.training.checks import check_model
from jaxcnn.training.leaves import shapes_of


def check_same_structure(models: object) -> list[nnx.Module]:
    """The models as a list, where one compiled program fits all of them."""
    if isinstance(models, nnx.Module) or not isinstance(models, Iterable):
        raise TypeError(
            f"models must be a sequence of flax.nnx.Modules, got {type(models).__name__}; wrap it in a list"
        )
    found = list(models)
    if not found:
        raise ValueError("models must hold at least one model, got none")
    for model in found:
        check_model(model)
    if len(set(map(id, found))) < len(found):
        raise ValueError("models must be different objects, got one of them twice; construct one for each seed")
    _check_nothing_shared(found)
    first = _structure(found[0])
    for index, model in enumerate(found):
        if _structure(model) != first:
            raise ValueError(
                f"models must share one structure, but models[{index}] differs from models[0] in its layers, their"
                " options or shapes; train models of another structure in a call of their own, and define functions"
                " that they hold, such as a lambda, once for all of them"
            )
    return found


def _check_nothing_shared(models: Sequence[nnx.Module]) -> None:
    """Each run writes what it learns into its model."""
    owners: dict[int, int] = {}
    for index, model in enumerate(models):
        for path, value in nnx.iter_graph(model):
            if isinstance(value, nnx.Variable) and (owner := owners.setdefault(id(value), index)) != index:
                raise ValueError(
                    f"models must have variables of their own, but models[{owner}] and models[{index}] share"
                    f" {'.'.join(map(str, path))}; construct every layer anew, or copy a model with nnx.clone"
                )


def _structure(model: nnx.Module) -> tuple[nnx.GraphDef, dict[str, str]]:
    graphdef, variables = nnx.split(model)
    return graphdef, shapes_of(variables)
