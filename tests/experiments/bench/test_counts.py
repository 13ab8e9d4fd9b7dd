"""Floating-point operations against numbers found by hand."""

from experiments.bench.cases import model_work, operation_work
from experiments.bench.counts import flops_of, step_flops
from experiments.bench.models import lecture_models

CONVNET = {entry.label: entry for entry in lecture_models()}["convnet none"]
FIRST, SECOND, THIRD, DENSE = 26**2 * 9 * 32, 24**2 * 288 * 64, 22**2 * 576 * 128, 22**2 * 128 * 10


def test_a_training_step():
    macs = FIRST + SECOND + THIRD + DENSE
    expected = 2 * 64 * (macs + macs + (SECOND + THIRD + DENSE))  # forward, kernels, inputs but the image's
    assert flops_of(model_work("step", CONVNET, 64)) == expected == step_flops(macs, FIRST, 64)
    assert 17e9 < expected < 19e9  # "18 GFLOP"
    assert flops_of(model_work("forward", CONVNET, 64)) == 2 * 64 * macs


def test_operations():
    dense = operation_work("conv", (2, 5, 5, 3), (3, 3, 3, 4), "")
    assert flops_of(dense) == 2 * 2 * 3 * 3 * (3 * 3 * 3 * 4)
    assert flops_of({**dense, "gradient": "both"}) == 3 * flops_of(dense)
    transposed = operation_work("conv_transpose", (1, 4, 4, 6), (3, 3, 2, 6), "kernel", strides=2)
    assert flops_of(transposed) == 2 * 2 * 16 * 3 * 3 * 2 * 6
    depthwise = operation_work("depthwise_conv", (1, 4, 4, 8), (3, 3, 8, 1), "", padding=1)
    assert flops_of(depthwise) == 2 * 16 * 9 * 8
    assert flops_of({"kind": "matmul", "size": 10}) == 2000
