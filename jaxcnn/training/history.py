"""The record that `fit` returns."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class History:
    """What happened, one float an epoch, in plain Python so that it goes to JSON and to a plot as it is.

    Attributes:
      loss: mean of what was minimised over the examples of the epoch, in nats, each as its own step saw it
        (dropout on, weights still moving): cross-entropy, with label smoothing and class weights where `fit` got them.
      accuracy: fraction of these examples that were classified correctly, 0 to 1.
      val_loss: mean cross-entropy on the validation set at the epoch's end, neither smoothed nor weighted; empty
        without one.
      val_accuracy: accuracy on the validation set; empty without one.
      seconds: wall-clock seconds of the epoch's training, until the device has finished; neither compilation
        nor validation is in it. From `fit_seeds` the run's share of them.
      learning_rate: of each epoch's last update, where the optimizer's state holds it (`optax.inject_hyperparams`).
      compile_seconds: wall-clock seconds spent on tracing and compiling before the first epoch; near 0 when an
        earlier fit of the same structure left its programs behind.
      error: what ended the run early, where `fit_seeds` went on with the others; `fit` raises it instead.
      stopped: why a callback ended the run early; None where it went on to its last epoch.
    """

    loss: list[float] = dataclasses.field(default_factory=list)
    accuracy: list[float] = dataclasses.field(default_factory=list)
    val_loss: list[float] = dataclasses.field(default_factory=list)
    val_accuracy: list[float] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    learning_rate: list[float] = dataclasses.field(default_factory=list)
    compile_seconds: float = 0.0
    error: str | None = None
    stopped: str | None = None

    def to_dict(self) -> dict[str, list[float] | float | str | None]:
        """The fields by name, for `json.dump`."""
        return dataclasses.asdict(self)
