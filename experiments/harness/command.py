"""The edge between an experiment and its command line: options in, exit codes out."""

import re
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import tyro

from experiments.harness.compilation_cache import keep_programs
from experiments.harness.environment import module

Config = TypeVar("Config")


def run(
    main: Callable[[Config], object],
    config: type[Config],
    *,
    arguments: Sequence[str] | None = None,
    command: str | None = None,
) -> None:
    """Parse `arguments` (the command line's by default) as `config` and run `main` on it.

    `command` is what the user typed before them; None for `python -m` and the module that Python runs.

    Wrong input is one sentence on stderr and exit code 2; Ctrl-C is exit code 130. Programs that `main` compiles are
    kept for the next run.
    """
    about = described(sys.modules[main.__module__].__doc__ or "")
    parsed = tyro.cli(config, prog=command or f"python -m {module()}", args=arguments, description=about)
    keep_programs()
    try:
        main(parsed)
    except (ValueError, TypeError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("stopped; finished runs are in result.json", file=sys.stderr)
        sys.exit(130)


def described(text: str) -> str:
    """A docstring with a line a paragraph, as tyro wraps lines itself; indented lines and whole commands stay lines."""
    joined = re.sub(r"(?<!\n)\n(?!\n| |`[^`\n]*`\.?$)", " ", text.strip(), flags=re.MULTILINE)
    return joined.replace("\n\n ", "\n ")  # tyro begins a line of its own there already
