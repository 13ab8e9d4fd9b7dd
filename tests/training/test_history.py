import dataclasses
import json

import pytest

from jaxcnn.training import History


def test_history_is_frozen_and_goes_to_json():
    history = History(loss=[1.0, 0.5], accuracy=[0.1, 0.9], seconds=[2.0, 2.0], compile_seconds=3.0)
    assert History(**json.loads(json.dumps(history.to_dict()))) == history
    assert history.val_loss == []
    with pytest.raises(dataclasses.FrozenInstanceError):
        history.loss = []
