"""Threads that whoever interrupts the work does not have to wait for."""

from __future__ import annotations

import contextlib
import sysconfig
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import ThreadPoolExecutor


@contextlib.contextmanager
def open_pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of *workers* threads, and wait for them at the end, unless interrupted."""
    from concurrent.futures import ThreadPoolExecutor  # it takes longer than a fresh lock

    # Below Python 3.12 threads that ask first, and at a time, get a part of it.
    sysconfig.get_config_vars()
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        yield pool
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown()
        raise
    pool.shutdown()
