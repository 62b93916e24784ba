"""Limits on what the script may use of the machine."""

import sys

_MEBIBYTE = 1024 * 1024


def limit_resources(memory: "int | None", cpu_seconds: "int | None") -> None:
    """Let the process have at most *memory* MiB of data, and *cpu_seconds* of the processor.

    Over the first, Python raises MemoryError; over the second, the system ends the process.
    """
    try:
        import resource  # noqa: PLC0415  # POSIX alone has it
    except ImportError:
        sys.stderr.write("Warning: this system has no limits on memory and processor\n")
        return
    if memory is not None:
        size = memory * _MEBIBYTE
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    if cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
