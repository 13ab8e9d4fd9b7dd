"""Whole processes take turns."""

from experiments.bench.end_to_end import ROUNDS, case_row, take_turns, with_ratios
from experiments.bench.workers import Contender

SECONDS = {"jaxcnn": [5.0, 7.0, 6.0], "PyTorch": [8.0, 8.0, 11.0], "Keras-JAX": [11.0], "Keras-TF": []}
CASE = {"section": "end_to_end", "label": "net", "batch": 64}


def test_turns_medians_and_ratios():
    order, left = [], {name: list(seconds) for name, seconds in SECONDS.items()}

    def run(contender):
        order.append(contender.name)
        if not SECONDS[contender.name]:
            return {"error": "the process printed no accuracy"}
        return {"seconds": left[contender.name].pop(0), "test_accuracy": 0.5}

    told = take_turns([Contender(name, "", "python") for name in SECONDS], run)
    assert order == [*SECONDS, "PyTorch", "jaxcnn", "jaxcnn", "PyTorch"]
    rows = {row["contender"]: row for row in with_ratios([case_row(CASE, name, runs) for name, runs in told.items()])}
    assert (rows["jaxcnn"]["ms"], rows["jaxcnn"]["turns"], rows["jaxcnn"]["ratio"]) == (6000, ROUNDS, 8 / 6)
    assert (rows["PyTorch"]["ratio"], rows["Keras-JAX"]["turns"]) == (6 / 8, 1)
    assert (rows["Keras-TF"]["error"], rows["Keras-TF"]["ratio"]) == ("the process printed no accuracy", None)
