"""Speed and memory, side by side with PyTorch, JAX and ONNX Runtime, in one run: `python -m benchmarks --help`.

    points, comparisons, targets     what is measured, against whom, and what it should come to (data)
    problem, sides/                  one random problem; who can compute it, one file per library
    worker, process                  each side in a process of its own, asleep while another is timed
    agree, pairs, ratios             same numbers first; then alternate; then ratio per pair, median, spread
    machine                          were we alone
    memory, start                    what needs a fresh process each: peak memory, time to the first gradient
    suite, report, plot              the run, its tables (Markdown, JSON), its picture

`compare_ngram.py` beside these is another thing: bits per character of a trained model against n-grams.
"""
