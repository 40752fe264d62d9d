from __future__ import annotations

import os
import threading

from pydag.view.outlet import Outlet


def test_a_pipe_that_does_not_block_loses_nothing() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with open(write, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.extend(iter(lambda: os.read(read, 1000), b"")))
        reader.start()
        outlet.finish("x" * 500_000)
    reader.join()
    os.close(read)
    assert sum(map(len, received)) == 500_000
