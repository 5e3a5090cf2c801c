"""Processes of their own, in which nothing is there from before, and the memory that they take."""

import ctypes
import gc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from data import InputError

MEGABYTE = 1e6


def in_new_process(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a process of its own.

    function (Callable): A function of this module.
    args (Any): Its arguments.
    RETURNS (Any): What it returns.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def memory_in_use(process: int | None = None, *, peak: bool = False) -> float:
    """Ask for the memory of a process.

    process (Optional[int]): Its number; None for this one.
    peak (bool): Whether to ask for the most that it had since `forget_peak`.
    RETURNS (float): Megabytes.
    RAISES (InputError): If the machine cannot say.
    """
    key = "VmHWM" if peak else "VmRSS"
    try:
        lines = Path(f"/proc/{process or 'self'}/status").read_text().splitlines()
    except OSError as error:
        raise InputError(f"Memory can only be measured on Linux: {error}") from error
    (value,) = (line.split()[1] for line in lines if line.startswith(key + ":"))
    return int(value) * 1024 / MEGABYTE


def forget_peak() -> None:
    """Give free memory back, and take the memory of now for the most that there was."""
    gc.collect()
    if hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
