"""Prints the MiB that one call adds to the peak memory of this fresh process.

python peak_memory.py PEER OPERATION N THREADS
"""

from __future__ import annotations

import sys

import machine
from peers import PEERS
from peers.problem import features


def main(name: str, operation: str, n: int, threads: int) -> None:
    peer = next(peer for peer in PEERS if peer.name == name)
    peer.set_threads(threads)
    x, y = features(n)
    peer.operations[operation](x[:256], y[:256])  # libraries, threads and their stacks
    machine.restart_memory_peak()
    before = machine.memory_mib("VmRSS")
    peer.operations[operation](x, y)
    print(machine.memory_mib("VmHWM") - before)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
