"""One online step of `gated.learning.LahoreLSTM` against the Java class that it agrees with, side by side.

    git clone https://github.com/evolvingstuff/LongShortTermMemory
    python benchmarks/online_java.py LongShortTermMemory

The class itself is not part of this repository: its sources are read from the clone and compiled by the `javac` on the
path, with a harness written here that only calls it. Both sides get the same parameters, inputs and targets (a target
at every step, a reset every 12) and one thread. A pair is one run of each, one right after the other: the Java side in
a new virtual machine that has first run WARM steps, which its compiler needs. The ratio is the median over the pairs.
Agreement is checked first. Without a clone, only this side is measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from gated.learning import LahoreLSTM

INPUTS, OUTPUTS, CELLS = 7, 7, 15
WARM, STEPS, RESET, PAIRS = 400_000, 100_000, 12, 7
CHECKED = 200  # steps whose outputs must agree

HARNESS = """
import com.evolvingstuff.LSTM;
import java.util.Random;

public class Harness {
    static double[] inputs(int t) {
        double[] x = new double[%(inputs)d];
        for (int i = 0; i < x.length; i++) x[i] = Math.sin(0.3 * t + 1.1 * i);
        return x;
    }
    static double[] target(int t) {
        double[] d = new double[%(outputs)d];
        for (int o = 0; o < d.length; o++) d[o] = 0.5 * Math.cos(0.2 * t + 0.9 * o);
        return d;
    }
    static double[] run(LSTM net, double[][] xs, double[][] ds, int steps, boolean print) throws Exception {
        double[] y = null;
        for (int t = 0; t < steps; t++) {
            if (t %% %(reset)d == 0) net.Reset();
            y = net.Next(xs[t %% xs.length], ds[t %% ds.length]);
            if (print) for (double value : y) System.out.println(value);
        }
        return y;
    }
    public static void main(String[] args) throws Exception {
        LSTM net = new LSTM(new Random(1), %(inputs)d, %(outputs)d, %(cells)d);
        double[] p = net.GetParameters();
        for (int k = 0; k < p.length; k++) p[k] = 0.4 * Math.sin(0.7 * k + 0.3);
        net.SetParameters(p);
        double[][] xs = new double[4096][], ds = new double[4096][];
        for (int t = 0; t < 4096; t++) { xs[t] = inputs(t); ds[t] = target(t); }
        run(net, xs, ds, %(checked)d, true);
        run(net, xs, ds, %(warm)d, false);
        long start = System.nanoTime();
        double[] y = run(net, xs, ds, %(steps)d, false);
        double seconds = (System.nanoTime() - start) * 1e-9;
        System.err.println(y[0]);
        System.out.println(seconds);
    }
}
"""


def data() -> tuple[np.ndarray, np.ndarray]:
    t = np.arange(4096)[:, None]
    return np.sin(0.3 * t + 1.1 * np.arange(INPUTS)), 0.5 * np.cos(0.2 * t + 0.9 * np.arange(OUTPUTS))


def fresh() -> LahoreLSTM:
    net = LahoreLSTM(INPUTS, OUTPUTS, CELLS)
    net.parameters = 0.4 * np.sin(0.7 * np.arange(net.parameters.size) + 0.3)
    return net


def by_steps(net: LahoreLSTM, steps: int) -> list[np.ndarray]:
    """One call of `next` for every step."""
    xs, ds = data()
    rows = list(zip(xs, ds, strict=True))
    outputs = []
    for t in range(steps):
        if t % RESET == 0:
            net.reset()
        outputs.append(net.next(*rows[t % 4096]))
    return outputs


def by_stream(net: LahoreLSTM, steps: int) -> None:
    """One call of `partial_fit` for every sequence."""
    xs, ds = (np.concatenate([array, array[:RESET]]) for array in data())
    for t in range(0, steps, RESET):
        net.reset()
        net.learner.partial_fit(xs[t % 4096 :][:RESET], ds[t % 4096 :][:RESET])


def timed(run) -> float:
    """Microseconds per step."""
    net = fresh()
    run(net, 2000)
    start = time.perf_counter()
    run(net, STEPS)
    return (time.perf_counter() - start) / STEPS * 1e6


class Java:
    """The class of a clone with the harness, compiled."""

    def __init__(self, clone: Path, folder: Path) -> None:
        sizes = {"inputs": INPUTS, "outputs": OUTPUTS, "cells": CELLS}
        counts = {"reset": RESET, "warm": WARM, "steps": STEPS, "checked": CHECKED}
        (folder / "Harness.java").write_text(HARNESS % (sizes | counts), encoding="utf-8")
        sources = [*map(str, (clone / "src" / "com").rglob("*.java")), str(folder / "Harness.java")]
        subprocess.run(["javac", "-d", str(folder), *sources], check=True)
        self.folder = folder

    def run(self) -> tuple[np.ndarray, float]:
        """(outputs of the first steps, microseconds per step)."""
        command = ["java", "-cp", str(self.folder), "Harness"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        numbers = np.array(text.split(), float)
        return numbers[:-1].reshape(CHECKED, OUTPUTS), float(numbers[-1]) / STEPS * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", nargs="?", type=Path, help="folder of the Java program's sources")
    clone = parser.parse_args().clone
    print(f"{INPUTS} inputs, {CELLS} cells, {OUTPUTS} outputs, float64, a target at every step; microseconds per step")
    if clone is None:
        print(f"gated, next(x, target)  {timed(by_steps):6.2f}\ngated, partial_fit      {timed(by_stream):6.2f}")
        return
    with tempfile.TemporaryDirectory() as folder:
        java = Java(clone, Path(folder))
        gap = np.abs(np.stack(by_steps(fresh(), CHECKED)) - java.run()[0]).max()
        print(f"largest difference of an output in {CHECKED} steps: {gap:.1e}")
        pairs = []
        for _ in range(PAIRS):
            pairs.append((java.run()[1], timed(by_steps), timed(by_stream)))
            print("java {:6.2f}   gated next {:6.2f}   gated partial_fit {:6.2f}".format(*pairs[-1]), flush=True)
    for name, column in (("next", 1), ("partial_fit", 2)):
        ratio = statistics.median(pair[0] / pair[column] for pair in pairs)
        print(f"gated {name}: {ratio:.1f} times as fast, the median of {PAIRS} pairs")


if __name__ == "__main__":
    main()
