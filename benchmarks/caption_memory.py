"""The memory that minibatches of the course's captions take, from files of the size of all of COCO.

    python -m benchmarks.caption_memory [FOLDER]

It writes a folder coco_captioning with 400,000 captions of 17 words and features of 80,000 images of 4,096 numbers
(1.3 GB), made up, and reads minibatches of 100 in a process of its own. Without a folder it is made in the one for
temporary files and removed at the end. Linux only: it asks /proc.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CAPTIONS, WORDS, IMAGES, NUMBERS, VOCABULARY = 400_000, 17, 80_000, 4096, 1004
BATCH, BATCHES = 100, 500


def write(folder: Path) -> None:
    """The files."""
    import h5py

    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    words = ["<NULL>", "<START>", "<END>", "<UNK>", *(f"word{k}" for k in range(4, VOCABULARY))]
    vocabulary = {"idx_to_word": words, "word_to_idx": {word: k for k, word in enumerate(words)}}
    (folder / "coco2014_vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    with h5py.File(folder / "coco2014_captions.h5", "w") as file:
        for split, count, images in (("train", CAPTIONS, IMAGES), ("val", CAPTIONS // 100, IMAGES // 100)):
            ids = rng.integers(3, VOCABULARY, (count, WORDS), dtype=np.int32)
            ids[:, 0], ids[:, -1] = 1, 2
            file[f"{split}_captions"] = ids
            file[f"{split}_image_idxs"] = rng.integers(0, images, count, dtype=np.int32)
    for split, images in (("train", IMAGES), ("val", IMAGES // 100)):
        lines = "".join(f"http://farm{k % 9}.staticflickr.com/{k:07d}_{k:010x}_z.jpg\n" for k in range(images))
        (folder / f"{split}2014_urls.txt").write_text(lines, encoding="utf-8")
        with h5py.File(folder / f"{split}2014_vgg16_fc7.h5", "w") as file:
            features = file.create_dataset("features", (images, NUMBERS), np.float32)
            for start in range(0, images, 2000):
                count = min(2000, images - start)
                features[start : start + count] = rng.random((count, NUMBERS), dtype=np.float32)


def read(folder: Path) -> None:
    """Minibatches, drawn and then in the order of an epoch, and the memory at the peak."""
    from gated.data.captions import CourseCaptions

    before = peak()
    with CourseCaptions(folder) as data:
        rng = np.random.default_rng(1)
        start = time.perf_counter()
        total = sum(float(data.minibatch(BATCH, rng).features.sum()) for _ in range(BATCHES))
        drawn = time.perf_counter() - start
        epoch = data.batches(BATCH, rng)
        start = time.perf_counter()
        total += sum(float(next(epoch).features.sum()) for _ in range(BATCHES))
        shuffled = time.perf_counter() - start
        print(f"{data}")
    print(f"peak before the files are opened   {before:6.0f} MB")
    print(f"peak after {2 * BATCHES:,} minibatches        {peak():6.0f} MB")
    print(f"a minibatch of {BATCH}, drawn           {1e3 * drawn / BATCHES:6.1f} ms")
    print(f"a minibatch of {BATCH}, of an epoch     {1e3 * shuffled / BATCHES:6.1f} ms")
    assert total > 0


def peak() -> float:
    """The most memory of this process so far, in MB. (That of `resource` begins at the most of the parent's.)"""
    (most,) = re.findall(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    return int(most) * 1024 / 1e6


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--read"]:
        return read(Path(arguments[1]))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments[0]) if arguments else Path(temporary, "coco_captioning")
        write(folder)
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"files written                      {size / 1e6:6.0f} MB", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.caption_memory", "--read", str(folder)], check=True)
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
