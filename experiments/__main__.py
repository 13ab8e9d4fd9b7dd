"""`python -m experiments` lists the experiments with their one-line purposes."""

import ast
from pathlib import Path


def purposes(folder: Path) -> dict[str, str]:
    """Experiment -> the first line of its docstring, read without running it."""
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    return {path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0] for path in files}


def main() -> None:
    """Print the list."""
    found = purposes(Path(__file__).parent)
    width = max(map(len, found))
    print("Experiments; run one with `python -m experiments.NAME`, see its options with `--help`:\n")
    print("\n".join(f"  {name:<{width}}  {purpose}" for name, purpose in found.items()))


if __name__ == "__main__":
    main()
