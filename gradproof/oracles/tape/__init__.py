"""The exact derivative of code that can only be run: its forward pass, traced onto a tape of a dozen instructions, and
that tape evaluated in ball arithmetic forwards and backwards."""

from gradproof.oracles.tape.complex_cells import ComplexCells
from gradproof.oracles.tape.judge import (
    LEAVES_THE_TRACE,
    RAISES_BESIDE,
    Replay,
    judge,
    replay,
    replay_problem,
    second_inputs,
    second_inputs_in_turn,
)
from gradproof.oracles.tape.program import Cells, Instruction, Predicates, Tape, Untraceable, where_in_user_code
from gradproof.oracles.tape.solution import HessianProduct, Solution, solve

__all__ = [
    "LEAVES_THE_TRACE",
    "RAISES_BESIDE",
    "Cells",
    "ComplexCells",
    "HessianProduct",
    "Instruction",
    "Predicates",
    "Replay",
    "Solution",
    "Tape",
    "Untraceable",
    "judge",
    "replay",
    "replay_problem",
    "second_inputs",
    "second_inputs_in_turn",
    "solve",
    "where_in_user_code",
]
