"""Which experiments there are, and what each is for, read without running them."""

import ast
from pathlib import Path

# Modules of `experiments` that are commands of their own, not experiments of the course.
COMMANDS = ("benchmark", "own_images", "prepare", "train")


def purposes(folder: Path) -> dict[str, str]:
    """Experiment -> the first line of its docstring, for every module of the folder."""
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    return {path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0] for path in files}


def course(folder: Path) -> dict[str, str]:
    """The same for the experiments of the course alone."""
    return {name: purpose for name, purpose in purposes(folder).items() if name not in COMMANDS}
