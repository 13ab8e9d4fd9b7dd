import contextlib
import itertools
import json
import threading
import weakref
from typing import NamedTuple

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn.data import Dataset
from jaxcnn.data.batches import epoch_order
from jaxcnn.data.stream import stream

SIZES = [4, 4, 2]  # of ten images
GOLDEN = [[3, 2, 1, 6, 0, 7, 4, 5], [2, 4, 7, 3, 5, 1, 0, 6]]  # of NumPy 2.4


class Images(NamedTuple):
    images: np.ndarray
    labels: np.ndarray


class Records:
    """Ten numbered records, as TFDS's data sources give them."""

    def __init__(self, count=10, broken=None):
        self.count, self.broken = count, broken or {}

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return {"image": np.full((2, 3, 1), index % 256, np.uint8), "label": index % 3, **self.broken.get(index, {})}


def numbered(count=10, classes=3):
    """Each image's pixels are its number."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 2, 3, 1))
    return Dataset(images, np.arange(count) % classes, tuple("abcdefgh"[:classes]), "numbered", "full")


def read(batches, count=None):
    """The numbers of the images, batch by batch, each with the label that belongs to it."""
    found = []
    for images, labels in batches:
        numbers = np.asarray(images)[:, 0, 0, 0].tolist()
        assert images.shape == (len(numbers), 2, 3, 1)
        assert (images.dtype, labels.dtype) == (np.uint8, np.int32)
        assert isinstance(images, jax.Array)
        np.testing.assert_array_equal(labels, np.array(numbers) % 3)
        found.append(numbers)
        if len(found) == count:
            break
    return found


def epochs_of(found):
    return [list(itertools.chain(*found[start : start + 3])) for start in range(0, len(found), 3)]


class TestOrder:
    def test_stays_for_ever(self):
        # A stored state means the same batches in later versions.
        assert epoch_order(8, 0, 0).tolist() == GOLDEN[0]
        assert epoch_order(8, 7, 3).tolist() == GOLDEN[1]

    def test_is_a_permutation_of_its_own_for_each_seed_and_epoch(self):
        orders = {tuple(epoch_order(20, seed, epoch)) for seed in range(3) for epoch in range(3)}
        assert len(orders) == 9
        assert all(sorted(order) == list(range(20)) for order in orders)

    def test_every_place_is_as_likely(self):
        places = np.stack([np.argsort(epoch_order(5, 0, epoch)) for epoch in range(600)])
        counts = np.stack([np.bincount(column, minlength=5) for column in places.T])
        assert counts.sum() == 3000
        assert counts.min() > 70  # each 120, 5 standard deviations
        assert counts.max() < 170


class TestStream:
    @pytest.mark.parametrize("source", [numbered(), Records(), Images(numbered().images, numbered().labels)])
    def test_each_epoch_is_the_whole_set_in_another_order_with_the_last_small_batch(self, source):
        with stream(source, batch_size=4, seed=0, epochs=3) as batches:
            assert (batches.examples, batches.batch_size, batches.steps_per_epoch) == (10, 4, 3)
            found = read(batches)
        assert [len(batch) for batch in found] == SIZES * 3
        assert all(sorted(epoch) == list(range(10)) for epoch in epochs_of(found))
        assert len({tuple(epoch) for epoch in epochs_of(found)}) == 3
        assert epochs_of(found)[1] == epoch_order(10, 0, 1).tolist()

    @pytest.mark.parametrize("prefetch", [0, 1, 5])
    def test_prefetch_changes_no_batch(self, prefetch):
        with stream(Records(), batch_size=4, seed=1, epochs=2, prefetch=prefetch) as batches:
            expected = [epoch_order(10, 1, epoch).tolist() for epoch in (0, 1)]
            assert epochs_of(read(batches)) == expected

    def test_without_end(self):
        with stream(numbered(), batch_size=4, seed=0) as batches:
            assert batches.epochs is None
            assert len(read(batches, count=40)) == 40

    def test_ends_and_stays_ended(self):
        batches = stream(numbered(), batch_size=4, seed=0, epochs=1)
        assert len(list(batches)) == 3
        assert list(batches) == []
        assert list(stream(numbered(), batch_size=4, seed=0, epochs=0)) == []

    def test_a_batch_larger_than_the_set_is_the_set(self):
        assert len(read(stream(numbered(), batch_size=99, seed=0, epochs=2))) == 2

    def test_tfds_names_and_batched_reads(self):
        class Features(dict):
            pass

        class Info:
            features = Features(label=type("Label", (), {"names": ["x", "y", "z"]})(), image=None)

        class Tfds(Records):
            dataset_info, calls = Info(), []

            def __getitems__(self, rows):
                self.calls.append(len(rows))
                return [self[row] for row in rows]

        source = Tfds()
        with stream(source, batch_size=4, seed=0, epochs=1) as batches:
            assert batches.class_names == ("x", "y", "z")
            assert len(read(batches)) == 3
        assert sorted(source.calls) == [1, 2, 4, 4]  # the first record alone, then one call a batch

    def test_floats_stay_floats(self):
        images = np.linspace(0, 1, 60, dtype=np.float32).reshape(10, 2, 3, 1)
        found = next(stream(Images(images, np.zeros(10, np.int64)), batch_size=4, seed=0, epochs=1))
        np.testing.assert_array_equal(found.images, images[epoch_order(10, 0, 0)[:4]])


class TestTake:
    @pytest.mark.parametrize(("count", "sizes"), [(1, [1, 1, 1]), (2, [2, 1]), (5, [2, 1])])
    @pytest.mark.parametrize("prefetch", [0, 3])
    def test_groups_are_the_batches_stacked(self, count, sizes, prefetch):
        whole = read(stream(Records(), batch_size=4, seed=2, epochs=2))
        with stream(Records(), batch_size=4, seed=2, epochs=2, prefetch=prefetch) as batches:
            groups = [batches.take(count) for _ in sizes * 2]
            assert batches.position == 6
            with pytest.raises(StopIteration):
                batches.take(count)
        assert [len(labels) for _, labels in groups] == sizes * 2
        assert read(unstacked(groups)) == whole

    def test_an_epoch_without_a_smaller_batch(self):
        with stream(numbered(8), batch_size=4, seed=0) as batches:
            assert [batches.take(3).images.shape for _ in range(2)] == [(2, 4, 2, 3, 1)] * 2

    @settings(max_examples=8)
    @given(st.data())
    def test_any_mix_of_take_and_next_resumed_anywhere(self, data):
        size = data.draw(st.integers(1, 11))
        options = {"batch_size": size, "seed": 1, "epochs": 3}
        whole, found, state = read(stream(Records(), **options)), [], None
        while len(found) < len(whole):
            with stream(numbered(), **options, state=state) as batches:
                for count in data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=3)):
                    with contextlib.suppress(StopIteration):
                        found += read(unstacked([batches.take(count)]) if count else [next(batches)])
                state = batches.state()
            assert state["position"] == len(found)
        assert found == whole

    def test_what_is_no_count(self):
        with pytest.raises(ValueError, match=r"^count must be an integer of at least 1, got 0"):
            stream(numbered(), batch_size=4, seed=0).take(0)


def unstacked(groups):
    """The batches one by one."""
    return [(group.images[at], group.labels[at]) for group in groups for at in range(len(group.labels))]


class TestState:
    def test_resumed_anywhere_gives_the_rest(self):
        whole = read(stream(numbered(), batch_size=4, seed=2, epochs=3))
        for position in range(10):
            batches = stream(numbered(), batch_size=4, seed=2, epochs=3)
            assert read(batches, count=position) == whole[:position] if position else True
            state = json.loads(json.dumps(batches.state()))
            batches.close()
            assert batches.position == position
            assert read(stream(Records(), batch_size=4, seed=2, epochs=3)) == whole
            with stream(numbered(), batch_size=4, seed=2, epochs=3, prefetch=0, state=state) as rest:
                assert read(rest) == whole[position:]
                assert rest.position == 9

    @settings(max_examples=12)
    @given(st.data())
    def test_any_stream_stopped_anywhere(self, data):
        count, size = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 13))
        options = {"batch_size": size, "seed": data.draw(st.integers(0, 3)), "epochs": data.draw(st.integers(1, 3))}
        whole = read(stream(Records(count), **options))
        at = data.draw(st.integers(0, len(whole)))
        with stream(Records(count), **options) as batches:
            begun = [next(batches) for _ in range(at)]
            state = json.loads(json.dumps(batches.state()))
        assert len(begun) == at
        prefetch = data.draw(st.integers(0, 3))
        assert read(stream(Records(count), **options, prefetch=prefetch, state=state)) == whole[at:]

    def test_is_small(self):
        assert len(json.dumps(stream(numbered(200), batch_size=4, seed=0).state())) < 200

    def test_goes_on_after_close(self):
        batches = stream(numbered(), batch_size=4, seed=0, epochs=2)
        first = read(batches, count=2)
        batches.close()
        assert first + read(batches) == read(stream(numbered(), batch_size=4, seed=0, epochs=2))

    @pytest.mark.parametrize(
        ("source", "options", "message"),
        [
            (numbered(11), {}, "examples was 10 and here is 11"),
            (numbered(), {"seed": 1}, "seed was 0 and here is 1"),
            (numbered(), {"batch_size": 5}, "batch_size was 4 and here is 5"),
            (numbered(classes=2), {}, "source was '.*' and here is '.*'"),
            (Images(numbered().images + 1, numbered().labels), {}, "source was '.*' and here is '.*'"),
        ],
    )
    def test_another_stream_is_refused(self, source, options, message):
        state = stream(numbered(), batch_size=4, seed=0).state()
        with pytest.raises(ValueError, match=f"^state belongs to another stream, whose {message}; pass the unchanged"):
            stream(source, **{"batch_size": 4, "seed": 0, **options}, state=state)

    @pytest.mark.parametrize("state", [{}, {"position": "3"}])
    def test_what_is_no_state(self, state):
        with pytest.raises(ValueError, match=r"^state must be what Stream.state\(\) returned, got"):
            stream(numbered(), batch_size=4, seed=0, state=state)

    def test_behind_the_end(self):
        batches = stream(numbered(), batch_size=4, seed=0, epochs=2)
        read(batches, count=4)
        with pytest.raises(ValueError, match=r"^state lies 4 batches into the stream, but epochs=1 end after 3"):
            stream(numbered(), batch_size=4, seed=0, epochs=1, state=batches.state())
        batches.close()


class Counting(Records):
    """Counts the images that live, decoded, at one time."""

    def __init__(self, count):
        super().__init__(count)
        self.lock, self.alive, self.most = threading.Lock(), 0, 0

    def __getitem__(self, index):
        image = np.full((2, 3, 1), index % 256, np.uint8)
        with self.lock:
            self.alive += 1
            self.most = max(self.most, self.alive)
        weakref.finalize(image, self.forget)
        return image, index % 3

    def forget(self):
        with self.lock:
            self.alive -= 1


@pytest.mark.parametrize("prefetch", [0, 3])
def test_memory_is_bounded_by_batch_and_prefetch(prefetch):
    source = Counting(1000)
    with stream(source, batch_size=10, seed=0, epochs=1, prefetch=prefetch) as batches:
        for _ in range(20):
            next(batches)
            assert len(threading.enumerate()) < 30
        assert 10 <= source.most <= 10 * (prefetch + 3)


def test_nothing_is_read_ahead_of_the_prefetch():
    class Noting(Records):
        def __getitem__(self, index):
            noted.append(index)
            return super().__getitem__(index)

    noted = []
    with stream(Noting(1000), batch_size=10, seed=0, epochs=1, prefetch=3) as batches:
        for _ in range(5):
            next(batches)
    # one record for the shape; five batches given, one ahead on the device, and those of the prefetch
    assert 60 < len(noted) <= 1 + 10 * (5 + 1 + 3 + 1)


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"batch_size": 0}, "^batch_size must be an integer of at least 1, got 0"),
            ({"seed": -1}, "^seed must be an integer of at least 0, got -1"),
            ({"epochs": 1.5}, "^epochs must be an integer of at least 0, got 1.5"),
            ({"workers": -1}, "^workers must be an integer of at least 0, got -1"),
            ({"prefetch": None}, "^prefetch must be"),
            ({"split": "test"}, "^split and data_dir must be left out where source is no name of a set"),
        ],
    )
    def test_numbers(self, options, message):
        with pytest.raises(ValueError, match=message):
            stream(numbered(), **{"batch_size": 4, "seed": 0, **options})

    def test_empty(self):
        with pytest.raises(ValueError, match=r"^source must hold at least one image, got none; look whether"):
            stream(Records(0), batch_size=4, seed=0)

    @pytest.mark.parametrize("source", [3, b"folder", {0: 1}])
    def test_no_source(self, source):
        with pytest.raises(TypeError, match=r"^source must have .images and .labels, or give records"):
            stream(source, batch_size=4, seed=0)

    @pytest.mark.parametrize(
        ("broken", "message"),
        [
            ({"label": -1}, "^labels must be at least 0, got -1 in record 5; count classes from 0"),
            ({"label": 2**31}, "^labels must be at least 0, got 2147483648 in record 5"),
            ({"label": 1.0}, r"^labels must be one integer an image, got array\(1.\) in record 5"),
            ({"label": True}, r"^labels must be one integer an image, got array\(True\) in record 5"),
            ({"image": np.zeros((3, 3, 1), np.uint8)}, r"uint8\(3, 3, 1\) in record 5 and uint8\(2, 3, 1\) in record"),
            ({"image": np.zeros((2, 3, 1), np.int64)}, "int64.* in record 5 and uint8"),
        ],
    )
    @pytest.mark.parametrize("size", [1, 10])
    def test_a_broken_record_is_named_and_nothing_is_lost(self, broken, message, size):
        order = epoch_order(10, 0, 0).tolist()
        expected = message if size == 10 else message.replace("uint8\\(2, 3, 1\\) in record", "")
        if size == 10 and order[0] == 5:
            pytest.fail("the broken record must not come first, where the others differ from it")
        with stream(Records(broken={5: broken}), batch_size=size, seed=0, epochs=1) as batches:
            with pytest.raises(ValueError, match="record 5|" + expected):
                read(batches)
            given = batches.position
            with pytest.raises(ValueError, match="record 5"):
                read(batches)
        assert given <= order.index(5) // size

    def test_labels_beyond_the_names(self):
        source = Records(broken={5: {"label": 3}})
        source.dataset_info = type("Info", (), {"features": {"label": type("L", (), {"names": ("a", "b", "c")})()}})
        with pytest.raises(ValueError, match=r"^labels must lie in 0 to 2 for 3 class names, got 3 in record 5"):
            list(stream(source, batch_size=4, seed=0, epochs=1))

    def test_not_finite(self):
        images = np.zeros((10, 2, 3, 1), np.float32)
        images[7, 1, 1] = np.nan
        with pytest.raises(ValueError, match=r"^images must be finite, got NaN or infinity in record 7; repair"):
            list(stream(Images(images, np.zeros(10, int)), batch_size=4, seed=0, epochs=1))

    @pytest.mark.parametrize(
        ("image", "message"),
        [(np.zeros((2, 3), np.uint8), r"got \(2, 3\) in record 0; give grey"), (np.zeros((2, 3, 1), int), "got int64")],
    )
    def test_the_first_record_is_looked_at_before_streaming(self, image, message):
        with pytest.raises(ValueError, match=f"^images must .*{message}"):
            stream(Records(broken={0: {"image": image}}), batch_size=4, seed=0)

    def test_records_of_another_kind(self):
        with pytest.raises(ValueError, match=r"^records must be \(image, label\) or a dict .* got int for record 0"):
            stream(range(10), batch_size=4, seed=0)

    def test_labels_not_one_an_image(self):
        with pytest.raises(ValueError, match=r"^source.labels must be integers of shape \(10,\)"):
            stream(Images(numbered().images, numbered().labels[:9]), batch_size=4, seed=0)
