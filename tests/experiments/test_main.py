"""`python -m experiments` lists every experiment with its purpose."""

from pathlib import Path

import experiments
from experiments.__main__ import main, purposes


def test_every_experiment_has_a_purpose(capsys):
    found = purposes(Path(experiments.__file__).parent)
    assert found["pooling"].startswith("Pooling against no pooling")
    assert all(purpose.endswith(".") for purpose in found.values())
    main()
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in found)
