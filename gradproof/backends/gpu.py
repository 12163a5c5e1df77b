"""Whether this machine has a GPU that a backend could use, found through the driver alone: no framework is imported,
and no memory of the card is taken."""

import ctypes
import os
from functools import cache

_SUCCESS = 0


@cache
def gpu_missing() -> str | None:
    """Why no NVIDIA GPU can be used here, with the cure; None where the driver reports at least one."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and hidden.strip() in ("", "-1"):
        return f"the GPU is hidden: CUDA_VISIBLE_DEVICES is {hidden!r}; unset it"
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        # A container whose runtime hands out no GPU has no driver either.
        container = os.environ.get("NVIDIA_VISIBLE_DEVICES")
        if container in ("", "void", "none"):
            return f"the GPU is hidden from this container: NVIDIA_VISIBLE_DEVICES is {container!r}, without a driver"
        return "no GPU: the NVIDIA driver (libcuda.so.1) is not installed here"
    status = driver.cuInit(0)
    if status != _SUCCESS:
        return f"no GPU: the NVIDIA driver does not start (cuInit returns {status}); look at nvidia-smi"
    count = ctypes.c_int(0)
    status = driver.cuDeviceGetCount(ctypes.byref(count))
    if status != _SUCCESS or count.value == 0:
        return "no GPU: the NVIDIA driver reports no device; look at nvidia-smi"
    return None
