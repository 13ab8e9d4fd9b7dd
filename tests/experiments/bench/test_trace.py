"""Kinds of instructions from a program's text, and a wall clock shared by hand."""

import pytest

from experiments.bench.trace import (
    COPIES,
    DENSE,
    FORWARD,
    IMAGES,
    KINDS,
    OPTIMIZER,
    POINTWISE,
    REST,
    TO_INPUT,
    TO_KERNEL,
    Event,
    instructions,
    kinds_of,
    shared_time,
    with_rest,
)

TEXT = """HloModule jit_run_steps

FileNames
1 "/x/jaxcnn/training/chunks.py"
2 "/x/jaxcnn/functional/conv.py"
3 "/x/flax/nnx/nn/linear.py"
4 "/x/optax/_src/update.py"
5 "/x/jaxcnn/training/examples.py"
6 "/x/jaxcnn/lowering/primitive.py"

FunctionNames
1 "run_steps"
2 "conv"
3 "with_bias"

FileLocations
1 {file_name_id=1 function_name_id=1 line=1 end_line=1 column=1 end_column=1}
2 {file_name_id=2 function_name_id=2 line=1 end_line=1 column=1 end_column=1}
3 {file_name_id=2 function_name_id=3 line=1 end_line=1 column=1 end_column=1}
4 {file_name_id=3 function_name_id=1 line=1 end_line=1 column=1 end_column=1}
5 {file_name_id=4 function_name_id=1 line=1 end_line=1 column=1 end_column=1}
6 {file_name_id=5 function_name_id=1 line=1 end_line=1 column=1 end_column=1}
7 {file_name_id=6 function_name_id=1 line=1 end_line=1 column=1 end_column=1}

StackFrames
1 {file_location_id=1 parent_frame_id=1}
2 {file_location_id=2 parent_frame_id=2}
3 {file_location_id=7 parent_frame_id=3}
4 {file_location_id=3 parent_frame_id=3}
5 {file_location_id=4 parent_frame_id=2}
6 {file_location_id=5 parent_frame_id=2}
7 {file_location_id=6 parent_frame_id=2}

%body (x: f32[2]) -> f32[2] {
  %call.1 = f32[2]{0} custom-call(%x), custom_call_target="__onednn$convolution", metadata={op_name="w/jvp()/ffi_call" stack_frame_id=3}
  %call.2 = f32[2]{0} custom-call(%x), custom_call_target="__onednn$convolution", metadata={op_name="w/transpose(jvp())/ffi_call" stack_frame_id=3}
  %call.3 = f32[2]{0} custom-call(%x), custom_call_target="__onednn$matmul", metadata={op_name="w/transpose(jvp())/while/body/ffi_call" stack_frame_id=3}
  %call.4 = f32[2]{0} custom-call(%x), custom_call_target="__onednn$convolution", metadata={op_name="w/transpose(jvp())/kernel_gradient/ffi_call" stack_frame_id=3}
  %dot.1 = f32[2]{0} dot(%x), metadata={op_name="w/transpose(jvp())/transpose" stack_frame_id=3}
  %convolution.1 = f32[2]{0} convolution(%x), metadata={op_name="w/jvp()/conv_general_dilated" stack_frame_id=3}
  %concatenate.4 = f32[2]{0} concatenate(%x), metadata={op_name="w/transpose(jvp())/concatenate" stack_frame_id=3}
  %ynn_fusion = f32[2]{0} fusion(%x), metadata={op_name="w/transpose(jvp())/reduce_sum" stack_frame_id=4}
  %ynn_fusion.1 = f32[2]{0} fusion(%x), metadata={op_name="w/jvp()/dot_general" stack_frame_id=5}
  %add_fusion = f32[2]{0} fusion(%x), metadata={op_name="w/add" stack_frame_id=6}
  %gather_fusion = f32[2]{0} fusion(%x), metadata={op_name="w/gather" stack_frame_id=7}
  %max_fusion = f32[2]{0} fusion(%x), metadata={op_name="w/jvp()/max" stack_frame_id=1}
  %while.1 = (s32[], /*index=1*/f32[2]{0}) while(%x), metadata={op_name="w/transpose(jvp())/while" stack_frame_id=3}
  ROOT %copy.1 = f32[2]{0} copy(%x)
}
"""  # noqa: E501 - as XLA writes it


def test_kinds_by_operation_and_callers_not_by_name():
    assert kinds_of(TEXT) == {
        "call.1__onednn$convolution": FORWARD,
        "call.2__onednn$convolution": TO_INPUT,
        "call.3__onednn$matmul": TO_KERNEL,
        "call.4__onednn$convolution": TO_KERNEL,
        "dot.1": TO_KERNEL,
        "convolution.1": FORWARD,
        "concatenate.4": COPIES,
        "ynn_fusion": POINTWISE,
        "ynn_fusion.1": DENSE,
        "add_fusion": OPTIMIZER,
        "gather_fusion": IMAGES,
        "max_fusion": POINTWISE,
        "copy.1": REST,
    }


def test_callers_innermost_first():
    callers = instructions(TEXT)["call.1"].callers.split("\n")
    assert callers[:3] == [
        "/x/jaxcnn/lowering/primitive.py run_steps",
        "/x/jaxcnn/functional/conv.py conv",
        "/x/jaxcnn/training/chunks.py run_steps",
    ]


def test_a_text_without_callers_is_refused():
    with pytest.raises(ValueError, match="must hold a table of FileNames"):
        kinds_of("HloModule empty\n")


def test_moments_are_shared_and_add_up():
    events = [Event("a", 0, 4), Event("b", 2, 6), Event("a", 8, 9), Event("c", 8, 9), Event("c", 8, 9)]
    times = shared_time(events)
    assert times == pytest.approx({"a": 3 + 1 / 3, "b": 3.0, "c": 2 / 3})
    assert sum(times.values()) == pytest.approx(7)  # 0 to 6 and 8 to 9


def test_what_no_instruction_ran_in_is_the_rest():
    found = with_rest({FORWARD: 3.0, REST: 1.0}, 10.0)
    assert list(found) == list(KINDS)
    assert (found[FORWARD], found[REST], found[DENSE]) == (3.0, 7.0, 0.0)
