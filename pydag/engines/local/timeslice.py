"""The turns on the CPU that the kernel gives to this thread: short ones come soon.

Linux shares a CPU in turns of some milliseconds, which is longer than many commands run. While a program that starts
commands waits for such a turn to end, the place of an ended command stays empty. Since Linux 6.12 a thread can ask for
shorter turns, without any privilege: it then gets the CPU at once, for a shorter time, and no more of it in all. The
call is sched_setattr(2). Python has no function for it, and the C library of most systems has none either.
"""

from __future__ import annotations

import os
import sys

SHORT = 100_000
"""Nanoseconds of the shortest turn that Linux gives."""

_CALLS = {"x86_64": 314, "aarch64": 274, "riscv64": 274}  # the number of sched_setattr; a 32-bit Python has others
_ATTRIBUTES = "=IIQiIQQQII"  # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period, clamps
_RESET_ON_FORK = 1  # what is asked for here is not handed down to a command


def ask_for_short() -> None:
    """Ask for turns of `SHORT`, for the calling thread alone and for good. Where that is impossible, nothing changes.

    Linux lets no unprivileged thread take `_RESET_ON_FORK` back, so this is for a process that is pydag's own.
    """
    call = _CALLS.get(os.uname().machine)
    if sys.platform != "linux" or call is None or sys.maxsize <= 2**32:
        return
    policy, nice = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK, os.getpriority(os.PRIO_PROCESS, 0)
    if policy != os.SCHED_OTHER or nice < 0:
        return  # somebody chose otherwise on purpose; and a negative nice would be reset in the commands, too
    try:
        import ctypes
    except ImportError:  # a Python that was built without libffi
        return
    import struct

    size = struct.calcsize(_ATTRIBUTES)
    attributes = struct.pack(_ATTRIBUTES, size, policy, _RESET_ON_FORK, nice, 0, SHORT, 0, 0, 0, 0)
    # Refused in a sandbox, unknown to an old kernel: then turns stay as they are, which only costs time.
    ctypes.CDLL(None).syscall(call, 0, attributes, 0)
