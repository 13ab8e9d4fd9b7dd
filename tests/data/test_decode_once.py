"""Images that are decoded before the first batch: all where that is quick, none in vain, and nothing twice."""

import types

import numpy as np
import pytest

from jaxcnn.data import decode_once, records
from jaxcnn.data.sources import as_source
from jaxcnn.data.stream import stream

TOTAL = 1000


class Slow:
    """Records of (2, 3, 1) pixels, each decoded in `seconds` of a clock of its own."""

    def __init__(self, seconds=0.0, broken=None):
        self.seconds, self.broken = seconds, broken
        self.now, self.read = 0.0, []

    def __len__(self):
        return TOTAL

    def __getitem__(self, index):
        self.now += self.seconds
        if index == self.broken:
            raise ValueError(f"record {index} is broken")
        self.read.append(index)
        return np.full((2, 3, 1), index % 256, np.uint8), index % 3


@pytest.fixture(params=["held", "on disk"])
def opened(request, tmp_path, monkeypatch):
    """Opens a stream with a cache; only what is read behind the cache's name is counted."""
    monkeypatch.setattr(records, "MOST_HELD", 2**26 if request.param == "held" else 0)

    def opened(source, **options):
        monkeypatch.setattr(decode_once, "time", types.SimpleNamespace(monotonic=lambda: source.now))
        return stream(source, **{"batch_size": 100, "seed": 0, "epochs": 1, "cache": tmp_path / "kept", **options})

    return opened


def read(batches):
    return np.concatenate([np.asarray(images)[:, 0, 0, 0] for images, _ in batches])


def test_batches_wait_for_no_decoder(opened, capfd):
    source = Slow(1e-3)
    with opened(source) as batches:
        assert set(source.read) == set(range(TOTAL))
        before = len(source.read)
        found = read(batches)
        assert len(source.read) == before
    assert np.array_equal(found, read(stream(Slow(), batch_size=100, seed=0, epochs=1)))
    assert capfd.readouterr().err == ""


def test_a_second_opening_decodes_nothing(opened):
    with opened(Slow()):
        pass
    source = Slow()
    with opened(source) as batches:
        read(batches)
    assert len(set(source.read)) < 20  # those that tell sources apart


def test_a_bar_is_shown_where_it_takes_a_while(opened, capfd):
    with opened(Slow(0.01)):
        shown = capfd.readouterr().err
    assert "decoding images, once" in shown
    assert "100%" in shown


def test_what_takes_long_is_decoded_at_its_turn(opened, capfd):
    source = Slow(0.05)  # 50 seconds
    with opened(source) as batches:
        assert len(set(source.read)) < 40
        assert len(read(batches)) == TOTAL
    assert len(source.read) - len(set(source.read)) < 20  # and nothing twice
    assert capfd.readouterr().err == ""


def test_less_waiting_where_a_process_reads_meanwhile(opened):
    source = Slow(0.005)  # 5 seconds
    with opened(source, workers=1):
        assert len(set(source.read)) < TOTAL / 2
    with opened(source):
        assert set(source.read) == set(range(TOTAL))


def test_a_broken_image_is_found_at_once_and_the_others_serve_on(opened, request):
    with pytest.raises(ValueError, match="record 700 is broken"):
        opened(Slow(broken=700))
    source = Slow()
    with opened(source):
        assert {700, 999} < set(source.read)
    if "on disk" in request.node.name:
        assert len(set(source.read)) < 0.6 * TOTAL


def test_a_wrong_state_is_refused_before_anything_is_decoded(opened):
    state = stream(Slow(), batch_size=50, seed=0).state()
    source = Slow()
    with pytest.raises(ValueError, match=r"^state belongs to another stream"):
        opened(source, state=state)
    assert len(set(source.read)) < 40


def test_a_cache_that_keeps_nothing_is_not_filled_in_vain(tmp_path, monkeypatch):
    class Gone(decode_once.DecodedSource):
        def lacks(self, rows):
            return True

    source = Gone(as_source(Slow()), tmp_path / "kept", (2, 3, 1), np.dtype(np.uint8), True, True)
    rows = []
    decode_once.decode_once(source, lambda some: rows.extend(some.tolist()))
    assert rows == list(range(16))


@pytest.mark.parametrize("rows", [[0], [3, 4, 5], [5, 3, 4, 9, 0, 1], []])
def test_records_one_behind_the_other_are_written_and_read_as_they_are(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(records, "MOST_HELD", 0)
    (tmp_path / "kept").write_bytes(bytes(10 * 14))
    file = records.open_records(tmp_path / "kept", 10, 14, new=False)
    expected = np.random.default_rng(0).integers(1, 256, (len(rows), 14), dtype=np.uint8)
    file.write(np.array(rows, np.int64), expected)
    np.testing.assert_array_equal(file.read(np.array(rows, np.int64)), expected)
    others = np.setdiff1d(np.arange(10), rows)
    assert not file.read(others).any()
