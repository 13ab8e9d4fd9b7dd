"""The house's directions: who may import whom, and that what is public is explained."""

import ast
import importlib
import inspect
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
# Later floors may import earlier ones; rooms on one floor don't import one another.
FLOORS = [
    ["arguments", "borders", "files", "locking"],
    ["padding"],
    ["geometry"],
    ["lowering"],
    ["functional"],
    ["nn"],
    ["models", "interop"],
    ["training", "data", "analysis", "visualization"],
    ["experiments"],
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
SOURCES = sorted([*(ROOT / "jaxcnn").rglob("*.py"), *(ROOT / "experiments").rglob("*.py")])
# Names that the package itself defines, and no room.
OF_THE_PACKAGE = ("__version__", "accelerate_cpu")
SEMI_PUBLIC = ("jax.extend", "jax.interpreters")


def room_of(module):
    """`jaxcnn.nn.conv` lies in `nn`, `experiments.pooling` in `experiments`; others in none."""
    parts = module.split(".")
    return parts[0] if parts[0] == "experiments" else (parts[1:2] or [None])[0] if parts[0] == "jaxcnn" else None


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree, package):
    """The modules that a source imports, at any depth, and the attributes that it takes from them as modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package.split(".")[: -node.level or None], *filter(None, [node.module])])
            base = base if node.level else node.module
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def imports_of(path):
    name = name_of(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return set(imported(ast.parse(path.read_text(encoding="utf-8")), package + "."))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_point_down(path):
    room = room_of(name_of(path))
    rooms = {room_of(module) for module in imports_of(path)} - {None, room, *OF_THE_PACKAGE}
    assert rooms <= FLOOR.keys(), f"{name_of(path)} imports a room without a floor"
    # The package itself, where `jaxcnn.accelerate_cpu` lives, may know what lies under lax, and no more.
    upward = {other for other in rooms if FLOOR[other] >= FLOOR[room or "functional"]}
    assert not upward, f"{name_of(path)} imports {sorted(upward)}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_private_and_semi_public_jax(path):
    modules = imports_of(path)
    assert not {m for m in modules if m.startswith("jax._src") or (m.startswith("flax.") and "._" in m)}
    if path != ROOT / "jaxcnn" / "lowering" / "primitive.py":
        assert not {m for m in modules if m.startswith(SEMI_PUBLIC)}


def test_training_receives_models():
    # `models` lies a floor below, but a training loop that knew it could treat some models specially.
    for path in (ROOT / "jaxcnn" / "training").rglob("*.py"):
        assert not {m for m in imports_of(path) if room_of(m) == "models"}, name_of(path)


def test_every_room_has_a_floor():
    rooms = {p.stem for p in (ROOT / "jaxcnn").iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    assert rooms <= FLOOR.keys()


def test_directions_would_be_noticed():
    source = "from jaxcnn.models import create\nimport jax.extend as je\nfrom ..data import load\njax._src.core"
    modules = set(imported(ast.parse(source), "jaxcnn.nn."))
    assert {room_of(m) for m in modules} == {"models", "data", None}
    assert "jax.extend" in modules
    assert "jax._src.core" in modules


PUBLIC = [
    "arguments",
    "borders",
    "files",
    "geometry",
    "functional",
    "nn",
    "models",
    "interop",
    "training",
    "data",
    "analysis",
    "visualization",
]


@pytest.mark.parametrize("room", PUBLIC)
def test_everything_public_is_explained(room):
    module = importlib.import_module(f"jaxcnn.{room}")
    assert module.__doc__
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    ours = {n: v for n, v in public.items() if getattr(v, "__module__", "").startswith("jaxcnn")}
    things = {n: v for n, v in ours.items() if inspect.isfunction(v) or inspect.isclass(v)}
    assert things
    assert not [name for name, thing in things.items() if not inspect.getdoc(thing)]
