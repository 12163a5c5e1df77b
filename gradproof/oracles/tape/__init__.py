"""The exact derivative of code that can only be run: its forward pass, traced onto a tape of a dozen instructions, and
that tape evaluated in ball arithmetic forwards and backwards."""

from gradproof.oracles.tape.complex_cells import ComplexCells
from gradproof.oracles.tape.program import Cells, Instruction, Predicates, Tape, Untraceable, where_in_user_code

__all__ = ["Cells", "ComplexCells", "Instruction", "Predicates", "Tape", "Untraceable", "where_in_user_code"]
