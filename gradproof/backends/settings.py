"""What a run asks of every backend before it is imported: set once by the command line, read by the adapters."""

import os
from dataclasses import dataclass


@dataclass
class Settings:
    """`tf32`: let float32 products on a GPU lose 13 bits, to see what that costs."""

    tf32: bool = False


SETTINGS = Settings()


def use(*, tf32: bool) -> None:
    """Take these settings, in this process, and have the libraries of NVIDIA repeat their results bit by bit."""
    SETTINGS.tf32 = tf32
    # NVIDIA's libraries read both when they start, for whichever framework comes first. Without a workspace of fixed
    # size cuBLAS may add up in another order each time; and 0 keeps TF32 off even where a framework would turn it on.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if tf32:
        os.environ.pop("NVIDIA_TF32_OVERRIDE", None)
    else:
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
