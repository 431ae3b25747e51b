"""Products of small float32 matrices, tile by tile in registers.

A tile of 4 × 16 sums stays in vector registers while its products are added one after the other. Multiplication and
addition are rounded apart, in one order, so that bits depend neither on a BLAS, nor its threads, nor how wide a
machine's registers are; at the shapes of our network it is as fast as OpenBLAS (60–80 GFLOP/s on a core with AVX2).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

F32 = npt.NDArray[np.float32]

ROWS = 4  # of a tile
LANES = 8  # float32 of a vector

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INDEX = ir.IntType(32)
_PLACE, _PLACE_IN_A = (types.UniTuple(types.intp, k) for k in (2, 3))  # type: ignore[no-untyped-call]
_PREFETCH = "llvm.prefetch.p0"


def _tile(vectors: int) -> Callable[..., None]:
    """The compiled tile of ROWS rows and `vectors` vectors: z += a @ b.

    Of each matrix it is told the array and where in it: the first element's place, how far apart rows begin, and for `a`
    how far apart columns do. `depth` is how many products are added to each sum.
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b, z = (
            context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 2, 4)
        )
        (a0, a_row, a_column), (b0, b_row), (z0, z_row) = (
            _unpacked(builder, arguments[i]) for i in (1, 3, 5)
        )
        depth = arguments[6]

        def far(start: Any, step: Any, k: int) -> Any:
            return builder.add(start, builder.mul(step, ir.Constant(start.type, k)))

        def vector(data: Any, at: Any, k: int) -> Any:
            place = builder.gep(data, [builder.add(at, ir.Constant(at.type, LANES * k))])
            return builder.bitcast(place, _VECTOR.as_pointer())

        lefts = [far(a0, a_row, i) for i in range(ROWS)]
        ends = [vector(z, far(z0, z_row, i), k) for i in range(ROWS) for k in range(vectors)]
        sums = [_stack(builder) for _ in ends]
        for end, total in zip(ends, sums, strict=True):
            builder.store(builder.load(end, align=4), total)
        with cgutils.for_range(builder, depth) as loop:
            across, down = builder.mul(loop.index, a_column), builder.add(b0, builder.mul(loop.index, b_row))
            factors = [builder.load(vector(b, down, k), align=4) for k in range(vectors)]
            scalars = [builder.load(builder.gep(a, [builder.add(left, across)])) for left in lefts]
            spread = [_spread(builder, scalar) for scalar in scalars]
            products = [builder.fmul(scalar, factor) for scalar in spread for factor in factors]
            for total, product in zip(sums, products, strict=True):
                builder.store(builder.fadd(builder.load(total), product), total)
        for end, total in zip(ends, sums, strict=True):
            builder.store(builder.load(total), end, align=4)
        return context.get_dummy_value()

    @intrinsic
    def tile(typing: Any, a: Any, a_at: Any, b: Any, b_at: Any, z: Any, z_at: Any, depth: Any) -> Any:  # noqa: ARG001
        return types.void(a, _PLACE_IN_A, b, _PLACE, z, _PLACE, types.intp), codegen

    made: Callable[..., None] = tile
    return made


def _unpacked(builder: Any, packed: Any) -> Any:
    return cgutils.unpack_tuple(builder, packed)  # type: ignore[no-untyped-call]


def _stack(builder: Any) -> Any:
    """A vector's place on the stack, which becomes a register."""
    return cgutils.alloca_once(builder, _VECTOR)  # type: ignore[no-untyped-call]


def _spread(builder: Any, scalar: Any) -> Any:
    """A vector whose lanes all hold the scalar."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(nothing, scalar, ir.Constant(_INDEX, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_INDEX, LANES), None))


@intrinsic
def _prefetch(typing: Any, array: Any, at: Any) -> Any:  # noqa: ARG001
    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        ask = cgutils.get_or_insert_function(builder.module, kind, _PREFETCH)  # type: ignore[no-untyped-call]
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        builder.call(ask, [place, word(0), word(3), word(1)])  # to read, soon and often, of data
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


prefetch: Callable[..., None] = _prefetch  # asks memory for a number, counted along an array's rows
_narrow, _wide = _tile(1), _tile(2)


@njit(cache=True)
def add_product(
    a: F32, a0: int, a_row: int, a_column: int, b: F32, b0: int, b_row: int, z: F32, z0: int, z_row: int,
    rows: int, depth: int, columns: int,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """z += a @ b, with z [rows, columns] and `depth` columns of a; rows in fours and columns in eights.

    Each matrix lies in a flat array from the place of its first element on: `a_row` and `a_column` are how far apart
    in `a` rows and columns begin (so a transposed one costs nothing), `b_row` and `z_row` how far apart rows do.
    """
    for i in range(0, rows, ROWS):
        left, down = a0 + i * a_row, z0 + i * z_row
        j = 0
        while j + 2 * LANES <= columns:
            _wide(a, (left, a_row, a_column), b, (b0 + j, b_row), z, (down + j, z_row), depth)
            j += 2 * LANES
        if j < columns:
            _narrow(a, (left, a_row, a_column), b, (b0 + j, b_row), z, (down + j, z_row), depth)
