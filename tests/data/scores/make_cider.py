"""Writes cider.json: captions, references, and what pycocoevalcap 1.2 gives for them.

pip install pycocoevalcap==1.2 --no-deps; pip install -e .; python tests/data/scores/make_cider.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pycocoevalcap.cider.cider import Cider

from gated.data.scenes import random_scene, write_caption


def corpus(count: int, seed: int) -> tuple[list[str], list[list[str]]]:
    rng = np.random.default_rng(seed)
    candidates, references = [], []
    for n in range(count):
        scene = random_scene(rng)
        written = [write_caption(scene, rng).replace(",", "") for _ in range(2 + n % 4)]
        words = written.pop().split()
        for _ in range(n % 5):  # a word is lost, doubled, moved or unknown
            at = int(rng.integers(len(words)))
            words[at : at + 1] = [[], [words[at]] * 2, ["unheard-of"], words[at : at + 1]][rng.integers(4)]
        candidates.append(" ".join(words))
        references.append(written)
    candidates[7], candidates[8], candidates[9] = "", "circle", references[9][0]
    references[10][0] = ""
    return candidates, references


def main() -> None:
    candidates, references = corpus(200, 0)
    mean, each = Cider().compute_score(dict(enumerate(references)), {n: [text] for n, text in enumerate(candidates)})
    found = {"candidates": candidates, "references": references, "mean": float(mean), "each": each.tolist()}
    text = json.dumps(found, indent=0)
    (Path(__file__).parent / "cider.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
