"""Vectors of 16 floats for numba kernels, in registers: what a compiler makes of loops over short rows is left to luck.

A ``Lanes`` value knows + - * / with its like or a float32. LLVM splits it into whatever registers the processor has
(one of AVX-512, two of AVX, four of SSE or NEON), with the same results lane by lane.
Numba's cache does not see changes of this file: after one, delete ``render/__pycache__/numba-*``.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

_intrinsic: Any = intrinsic  # it takes the first parameter, typing, away
COUNT = 16
_FLOAT, _INDEX = ir.FloatType(), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, COUNT)


class Lanes(types.Type):
    """Numba's type of 16 floats."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _VECTOR)


def _spread(builder: Any, value: Any, kind: Any) -> Any:
    """The value itself, or a vector of copies of a float32."""
    if isinstance(kind, Lanes):
        return value
    single = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(_INDEX, 0))
    zeros = ir.Constant(ir.VectorType(_INDEX, COUNT), [0] * COUNT)
    return builder.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _known(*kinds: Any) -> bool:
    return all(isinstance(kind, Lanes) or kind == types.float32 for kind in kinds)


def _lane_function(build: Callable[..., Any]) -> Any:
    """Numba function of Lanes or float32 values, from what builds its instructions on whole vectors."""

    def typed(arguments: tuple[Any, ...]) -> Any:
        if not _known(*arguments):
            return None

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            vectors = [_spread(builder, value, kind) for value, kind in zip(values, signature.args, strict=True)]
            return build(builder, *vectors)

        return lanes(*arguments), generate

    if build.__code__.co_argcount == 4:
        return _intrinsic(lambda typing, a, b, c: typed((a, b, c)))
    return _intrinsic(lambda typing, a, b: typed((a, b)))


def _operator(function: Callable[..., Any], build: Callable[..., Any]) -> None:
    combine = _lane_function(build)
    # lambdas, since numba compares the signatures of the two, types included
    implementation = lambda a, b: combine(a, b)  # noqa: E731
    overload(function)(lambda a, b: implementation if _known(a, b) and lanes in (a, b) else None)


_operator(operator.add, lambda builder, a, b: builder.fadd(a, b))
_operator(operator.sub, lambda builder, a, b: builder.fsub(a, b))
_operator(operator.mul, lambda builder, a, b: builder.fmul(a, b))
_operator(operator.truediv, lambda builder, a, b: builder.fdiv(a, b))

smaller = _lane_function(lambda builder, a, b: builder.select(builder.fcmp_ordered("<", a, b), a, b))
"""``smaller(a, b)``, lane by lane."""
larger = _lane_function(lambda builder, a, b: builder.select(builder.fcmp_ordered(">", a, b), a, b))
"""``larger(a, b)``, lane by lane."""
where_reached = _lane_function(
    lambda builder, a, least, value: builder.select(
        builder.fcmp_ordered(">=", a, least), value, ir.Constant(_VECTOR, [0.0] * COUNT)
    )
)
"""``where_reached(a, least, value)``: the value where a >= least, else 0."""


@_intrinsic
def ramp(typing: Any, first: Any) -> Any:
    """``first, first + 1, ..., first + 15``."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        steps = ir.Constant(_VECTOR, [float(i) for i in range(COUNT)])
        return builder.fadd(_spread(builder, values[0], types.float32), steps)

    return (lanes(types.float32), generate) if first == types.float32 else None


def _address(context: Any, builder: Any, array: Any, kind: Any, row: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [builder.mul(row, row.type(COUNT))]), _VECTOR.as_pointer())


def _is_floats(array: Any) -> bool:
    return isinstance(array, types.Array) and array.dtype == types.float32 and array.layout == "C"


@_intrinsic
def load(typing: Any, array: Any, row: Any) -> Any:
    """The ``row``-th 16 floats of a C-contiguous float32 array."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = _address(context, builder, values[0], signature.args[0], values[1])
        return builder.load(address, align=4)

    return (lanes(array, types.intp), generate) if _is_floats(array) else None


@_intrinsic
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write the ``row``-th 16 floats of a C-contiguous float32 array."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = _address(context, builder, values[0], signature.args[0], values[1])
        builder.store(values[2], address, align=4)
        return context.get_dummy_value()

    return (types.void(array, types.intp, lanes), generate) if _is_floats(array) and value == lanes else None


@_intrinsic
def total(typing: Any, value: Any) -> Any:
    """Sum of the lanes, halves added to halves."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vector, width = values[0], COUNT
        while width > 1:
            width //= 2
            low, high = (
                ir.Constant(ir.VectorType(_INDEX, width), [start + i for i in range(width)]) for start in (0, width)
            )
            vector = builder.fadd(
                builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), low),
                builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), high),
            )
        return builder.extract_element(vector, ir.Constant(_INDEX, 0))

    return (types.float32(lanes), generate) if value == lanes else None
