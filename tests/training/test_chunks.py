import jax
import numpy as np
import pytest

from jaxcnn.training.chunks import Chunk, Plan, epoch_order


def test_boundaries_are_multiples_in_absolute_steps_and_epoch_ends():
    plan = Plan(examples=22, batch_size=4, steps_per_execution=3)  # 5 full batches and one of 2: 6 steps an epoch
    assert list(plan.chunks(0)) == [Chunk(0, 3, 4), Chunk(12, 2, 4), Chunk(20, 1, 2)]
    plan = Plan(examples=20, batch_size=4, steps_per_execution=3)  # 5 steps: epoch 1 begins at step 5, boundaries 6, 9
    assert list(plan.chunks(1)) == [Chunk(0, 1, 4), Chunk(4, 3, 4), Chunk(16, 1, 4)]


def test_observed_steps_and_the_start_within_an_epoch_move_no_other_boundary():
    plan = Plan(examples=22, batch_size=4, steps_per_execution=4, observed=(3,))  # 6 steps an epoch
    assert list(plan.chunks(0)) == [Chunk(0, 3, 4), Chunk(12, 1, 4), Chunk(16, 1, 4), Chunk(20, 1, 2)]
    assert list(plan.chunks(0, 4)) == list(plan.chunks(0))[2:]
    assert next(plan.chunks(0, 1)) == Chunk(4, 2, 4)
    assert list(plan.chunks(0, 5)) == [Chunk(20, 1, 2)]
    assert list(plan.chunks(0, 6)) == []


def test_groups_begin_anew_with_each_epoch():
    plan = Plan(examples=20, batch_size=4, steps_per_execution=3, observed=(4,), grouped=True)  # 5 steps an epoch
    assert list(plan.chunks(0)) == [Chunk(0, 3, 4), Chunk(12, 1, 4), Chunk(16, 1, 4)]
    assert list(plan.chunks(1)) == [Chunk(0, 3, 4), Chunk(12, 2, 4)]
    assert list(plan.chunks(1, 1)) == [Chunk(4, 2, 4), Chunk(12, 2, 4)]


@pytest.mark.parametrize(("examples", "batch_size", "length"), [(1, 1, 1), (7, 7, 4), (10, 3, 2), (64, 8, 100)])
def test_every_example_is_used_once(examples, batch_size, length):
    plan = Plan(examples, batch_size, length)
    for epoch in range(3):
        starts = [c.offset + i * c.batch_size for c in plan.chunks(epoch) for i in range(c.steps)]
        sizes = [c.batch_size for c in plan.chunks(epoch) for _ in range(c.steps)]
        assert starts == [i * batch_size for i in range(plan.steps_per_epoch)]
        assert sum(sizes) == examples
        assert set(sizes) == set(plan.batch_sizes)


def test_each_epoch_and_each_seed_has_its_own_permutation():
    orders = [
        np.asarray(epoch_order(jax.random.key(seed), np.int32(epoch), examples=50))
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    for i, order in enumerate(orders):
        np.testing.assert_array_equal(np.sort(order), np.arange(50))
        assert not any(np.array_equal(order, other) for other in orders[:i])


def test_the_order_is_the_same_with_64_bits_enabled(x64):
    wide = np.asarray(epoch_order(jax.random.key(7), np.int32(3), examples=20))
    with jax.enable_x64(False):
        narrow = np.asarray(epoch_order(jax.random.key(7), np.int32(3), examples=20))
    assert wide.dtype == np.int32
    np.testing.assert_array_equal(wide, narrow)
