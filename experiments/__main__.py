"""`python -m experiments` lists the experiments with their one-line purposes; `python -m experiments all` runs them."""

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.harness.catalogue import purposes as purposes

WAYS = "run one with `python -m experiments.NAME`, every one of the course with `python -m experiments all --quick`"


def main(arguments: Sequence[str] = ()) -> None:
    """Print the list, or run every experiment of the course where the arguments begin with "all"."""
    match list(arguments):
        case [] | ["-h" | "--help"]:
            list_them()
        case ["all", *options]:
            run_them(options)
        case [other, *_]:
            print(f"error: python -m experiments takes nothing or all, got {other!r}; {WAYS}", file=sys.stderr)
            sys.exit(2)


def list_them() -> None:
    """Print each name and purpose."""
    found = purposes(Path(__file__).parent)
    width = max(map(len, found))
    print(f"Experiments; {WAYS}; see their options with `--help`:\n")
    print("\n".join(f"  {name:<{width}}  {purpose}" for name, purpose in found.items()))


def run_them(options: Sequence[str]) -> None:
    """Run every experiment of the course."""
    # Imported here, so that the list needs nothing but Python.
    from experiments.harness.all_runs import Config, main
    from experiments.harness.command import run

    run(main, Config, arguments=options, command="python -m experiments all")


if __name__ == "__main__":
    main(sys.argv[1:])
