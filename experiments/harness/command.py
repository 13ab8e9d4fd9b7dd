"""The edge between an experiment and its command line: options in, exit codes out."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import tyro

from experiments.harness.compilation_cache import keep_programs

Config = TypeVar("Config")


def run(main: Callable[[Config], object], config: type[Config], *, arguments: Sequence[str] | None = None) -> None:
    """Parse `arguments` (the command line's by default) as `config` and run `main` on it.

    Wrong input is one sentence on stderr and exit code 2; Ctrl-C is exit code 130. Programs that `main` compiles are
    kept for the next run.
    """
    parsed = tyro.cli(config, args=arguments, description=sys.modules[main.__module__].__doc__)
    keep_programs()
    try:
        main(parsed)
    except (ValueError, TypeError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped; finished runs are in result.json", file=sys.stderr)
        sys.exit(130)
