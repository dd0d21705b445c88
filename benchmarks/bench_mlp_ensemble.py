"""Training small networks: ours, PyTorch's operations on stacks of them, and PyTorch's usual loop.

python benchmarks/bench_mlp_ensemble.py [--depth 5] [--width 12] [--batch 512] [--rounds 5]
    [--threads N]

The contenders take turns in rounds; times are medians over the rounds, ratios medians of the ratios
within a round. A network-step is a batch forward and backward and one step of AdamW for one
network; its time includes all else that training does. The share is of the rate of a float32 matrix
product of torch's in the same round, on as many threads: 6 operations per weight and sample, less 2
for the first layer, over it. The usual loop is given one network and a DataLoader that collates a
batch from single samples.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
import torch

import mmkernels
from mmkernels.mlp_ensemble import Network, TrainingData, fit
from mmkernels.torch.mlp_ensemble import fit_stacked

N, VALID, INPUTS, CLASSES = 45_875, 512, 12, 4
STACK = 32  # networks trained together
LOOP_STEPS = 20
PRODUCT = 2048


def problem() -> TrainingData:
    """Signs of 12 bits and a linear teacher's class, as many as the published study has."""
    draw = np.random.default_rng(0)
    x = np.sign(draw.standard_normal((N + VALID, INPUTS))).astype(np.float32)
    y = (x @ draw.standard_normal((INPUTS, CLASSES))).argmax(axis=1)
    return TrainingData(x[:N], y[:N], x[N:], y[N:], CLASSES)


def usual_loop(network: Network, data: TrainingData, batch: int) -> None:
    layers: list[torch.nn.Module] = []
    for units, inputs in network.shapes(INPUTS, CLASSES):
        layers += [torch.nn.Linear(inputs, units), torch.nn.LeakyReLU(network.slope)]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=network.learning_rate)
    samples = torch.utils.data.TensorDataset(
        torch.from_numpy(data.inputs), torch.from_numpy(data.targets)
    )
    loader = torch.utils.data.DataLoader(samples, batch_size=batch, shuffle=True)
    for _, (x, y) in zip(range(LOOP_STEPS), loader, strict=False):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 8.0)
        optimizer.step()


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("depth", 5), ("width", 12), ("batch", 512), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--threads", type=int, default=mmkernels.get_num_threads())
    options = parser.parse_args()
    mmkernels.set_num_threads(options.threads)
    torch.set_num_threads(options.threads)

    data, batch = problem(), options.batch
    networks = [
        Network(options.depth, options.width, slope=0.1, epochs=2, seed=i, order=i)
        for i in range(STACK)
    ]
    few = TrainingData(
        data.inputs[: 20 * batch], data.targets[: 20 * batch], data.valid_inputs,
        data.valid_targets, CLASSES,
    )  # fmt: skip
    short = [replace(network, epochs=1) for network in networks]
    steps = 2 * -(-N // batch) * STACK
    a = torch.ones(PRODUCT, PRODUCT)
    contenders: dict[str, tuple[Callable[[], object], float]] = {
        "mmkernels": (lambda: fit(networks, data, batch_size=batch), steps),
        "torch, stacked": (lambda: fit_stacked(short, few, batch_size=batch), 20 * STACK),
        "torch, one network, DataLoader": (
            lambda: usual_loop(networks[0], data, batch), LOOP_STEPS,
        ),
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in contenders}
    rates = []
    for _ in range(options.rounds):
        for name, (call, count) in contenders.items():
            times[name].append(seconds(call) / count * 1e6)
        rates.append(2e-9 * PRODUCT**3 / seconds(lambda: a @ a))

    weights = INPUTS * options.width + (options.depth - 1) * options.width**2
    operations = batch * (6 * (weights + CLASSES * options.width) - 2 * INPUTS * options.width)
    ours = times["mmkernels"]
    shares = [operations / t * 1e-3 / rate for t, rate in zip(ours, rates, strict=True)]
    print(f"depth {options.depth}, width {options.width}, batch {batch}; {options.rounds} rounds")
    print(f"{options.threads} threads, instruction set {mmkernels.instruction_set()}\n")
    print("| contender | us per network-step | times ours | of float32 |\n|---|---|---|---|")
    for name, taken in times.items():
        ratio = median(other / own for other, own in zip(taken, ours, strict=True))
        share = f"{median(shares):.0%}" if name == "mmkernels" else ""
        print(f"| {name} | {median(taken):.1f} | {ratio:.1f} | {share} |")


if __name__ == "__main__":
    main()
