"""What random programs meet again: defects of single operations that are recorded in the file of their backend."""

import tomllib
from functools import cache
from typing import Any

from gradproof import content
from gradproof.verification.programs.checking import Alarm

FILE = content.DIVERGENCES / "records" / "programs.toml"


@cache
def known() -> list[dict[str, Any]]:
    """The operations, with the backend, the cause, the modes and, where it is not all, the dtypes."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))["known"]


def cause_of(alarm: Alarm) -> str:
    """The id of the recorded cause that an operation of this program has; empty where there is none."""
    source = alarm.program.source
    for entry in known():
        is_here = entry["backend"] == alarm.backend and alarm.mode in entry["modes"]
        if is_here and alarm.dtype in entry.get("dtypes", [alarm.dtype]) and entry["operation"] in source:
            return entry["cause"]
    return ""
