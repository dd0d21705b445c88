"""Ctrl-C ends a long call at once, and the next call works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

# Half a minute of work each on one processor, so that none ends before it is interrupted.
CALLS = {
    "knn": "mmkernels.knn(x, 10)",
    "knn queries": "mmkernels.knn(x, 10, queries=x[::-1])",
    "mutual_knn l2": "mmkernels.mutual_knn(x, x[::-1], metric='l2')",
    "mutual_knn_null": "mmkernels.mutual_knn_null(lists, lists, permutations=10**6)",
    "hsic": "mmkernels.hsic(x, x[::-1], kernel='rbf', sigma=40.0)",
    "cka median": "mmkernels.cka(x, x[::-1], kernel='rbf')",
    "rsa": "mmkernels.rsa(x[:9000], x[9000:18000], distance='cityblock')",
    "cka_matrix": "mmkernels.cka_matrix([x[:, i:] for i in range(9)])",
    "one network": "mlp.fit([mlp.Network(5, epochs=10**6)], learned)",
    "networks": "mlp.fit([mlp.Network(5, epochs=100000, seed=i) for i in range(9)], learned)",
}
CODE = """
    import sys, time, signal
    import numpy as np, mmkernels, mmkernels.mlp_ensemble as mlp
    signal.signal(signal.SIGINT, signal.default_int_handler)
    x = np.random.default_rng(0).standard_normal((40000, 1024), dtype=np.float32)
    wanted = mmkernels.mutual_knn(x[:300], x[300:600])
    learned = mlp.TrainingData(x[:999, :9], np.arange(999) % 2, x[:99, :9], np.arange(99) % 2, 2)
    lists = mmkernels.knn(x[:20000, :8], 10)
    mmkernels.set_num_threads({threads})
    for _ in range({attempts}):
        print("ready", flush=True)
        try:
            {call}
            print("not interrupted", flush=True)
        except KeyboardInterrupt:
            print(time.monotonic(), flush=True)
        assert mmkernels.mutual_knn(x[:300], x[300:600]) == wanted
"""
ATTEMPTS = 3  # other programs may hold the processors in one of them


@pytest.mark.parametrize(
    ("name", "threads"), [("knn", 1), ("networks", 1), *((name, 2) for name in CALLS)]
)
def test_interrupt(name, threads, tmp_path):
    code = textwrap.dedent(CODE).format(call=CALLS[name], threads=threads, attempts=ATTEMPTS)
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            delays = []
            while len(delays) < ATTEMPTS and min(delays, default=1.0) >= 0.5:
                assert process.stdout.readline() == "ready\n"  # and the call before it worked
                time.sleep(0.5)
                sent = time.monotonic()
                process.send_signal(signal.SIGINT)
                delays.append(float(process.stdout.readline()) - sent)
            assert min(delays) < 0.5, delays
            following = process.stdout.readline()
            assert following == ("" if len(delays) == ATTEMPTS else "ready\n")
        finally:
            process.kill()
