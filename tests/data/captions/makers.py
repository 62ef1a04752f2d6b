"""Small files in the formats that others use, made by the programs that read and write them."""

from __future__ import annotations

import json

import numpy as np

RGB = {"red": (220, 30, 40), "green": (20, 160, 60), "blue": (30, 60, 210)}


def png(path, colour=(255, 0, 0), size=(12, 8), **options):
    """A picture of one colour; the format is that of the name."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)
    return path


def coco(folder, captions, missing=()):
    """captions_tiny.json and its folder of images: file name -> captions."""
    images = [{"id": 10 * k + 7, "file_name": name, "height": 8, "width": 12} for k, name in enumerate(captions)]
    pairs = [(10 * k + 7, text) for k, own in enumerate(captions.values()) for text in own]
    annotations = [{"image_id": number, "id": k, "caption": text} for k, (number, text) in enumerate(pairs)]
    path = folder / "captions_tiny.json"
    path.write_text(json.dumps({"info": {}, "images": images, "annotations": annotations}), encoding="utf-8")
    (folder / "images").mkdir()
    for name in captions:
        if name not in missing:
            png(folder / "images" / name)
    return path


WORDS = ["<NULL>", "<START>", "<END>", "<UNK>", "a", "dog", "cat", "runs"]


def course(folder, *, pca=True, images=9, captions=23, length=7, size=5):
    """The folder coco_captioning: what its files hold, by split."""
    import h5py

    rng = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {"idx_to_word": WORDS, "word_to_idx": {word: k for k, word in enumerate(WORDS)}}
    (folder / "coco2014_vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    truth = {}
    with h5py.File(folder / "coco2014_captions.h5", "w") as file:
        for split, more in (("train", 0), ("val", 4)):
            ids = rng.integers(3, len(WORDS), (captions + more, length)).astype(np.int32)
            ids[:, 0], ids[:, -1] = 1, 2
            which = rng.integers(0, images + more, captions + more).astype(np.int32)
            file[f"{split}_captions"], file[f"{split}_image_idxs"] = ids, which
            features = rng.normal(size=(images + more, size)).astype(np.float32)
            with h5py.File(folder / f"{split}2014_vgg16_fc7{'_pca' if pca else ''}.h5", "w") as own:
                own["features"] = features
            urls = [f"http://example.org/{split}/{k}.jpg" for k in range(images + more)]
            (folder / f"{split}2014_urls.txt").write_text("\n".join(urls) + "\n", encoding="utf-8")
            truth[split] = ids, which, features, urls
    return truth
