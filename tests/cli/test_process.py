"""The command line as a process of its own: Ctrl-C, pipes, what importing costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gated.learning.training.run_folder import RunFolder

pytest.importorskip("typer")

SOURCE = Path(__file__).resolve().parents[2] / "src"
TEXT = "".join(np.random.default_rng(0).choice(list("abc de\n"), 4000))


def _command(*words):
    return [sys.executable, "-m", "gated.cli", *words]


def _environment():
    return {**os.environ, "PYTHONPATH": str(SOURCE), "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


def _run(*words, cwd, **options):
    return subprocess.run(
        _command(*words),
        cwd=cwd,
        env=_environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        **options,
    )


def _metrics(folder):
    timing = ("seconds", "characters_per_second")
    return [{k: v for k, v in line.items() if k not in timing} for line in RunFolder(folder).read_metrics()]


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C reaches a single process by SIGINT on POSIX only")
def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(tmp_path):
    (tmp_path / "corpus.txt").write_text(TEXT)
    small = ["corpus.txt", "--hidden", "8", "--embed", "4", "--batch", "2", "--window", "32", "--log-every", "1"]
    long = [*small, "--steps", "150", "--evaluate-every", "50", "--sample", "0"]
    assert _run("train", *long, "--out", "whole", cwd=tmp_path).returncode == 0
    process = subprocess.Popen(
        _command("train", *long, "--out", "parts"),
        cwd=tmp_path, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    metrics = tmp_path / "parts" / "metrics.jsonl"
    deadline = time.monotonic() + 60
    while not (metrics.exists() and metrics.read_bytes().count(b"\n") >= 5):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "gated train --out parts --resume goes on" in err
    stopped = len(_metrics(tmp_path / "parts"))
    assert 5 <= stopped < 150
    assert _run("sample", "parts", "--length", "5", cwd=tmp_path).returncode == 0
    assert _run("train", "--out", "parts", "--resume", "--sample", "0", cwd=tmp_path).returncode == 0
    assert _metrics(tmp_path / "parts") == _metrics(tmp_path / "whole")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    process = subprocess.Popen(
        _command("cells"), cwd=tmp_path, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert err == b""


def test_a_terminal_without_the_letters(tmp_path):
    environment = {**_environment(), "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(_command("cells", "gru"), cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert result.returncode == 0
    assert b"tanh(" in result.stdout


CHINESE = "我来到你的城市，走过你来时的路，想象着没有我的日子，你是怎样的孤独。\n" * 40
LOCALES = {
    "C": {"LC_ALL": "C"},
    "C, and Python may not help itself": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a locale that is not installed": {"LC_ALL": "xx_YY.KOI8-R", "PYTHONUTF8": "0"},
    "UTF-8": {"LC_ALL": "C.UTF-8"},
}


@pytest.fixture(scope="module")
def chinese(tmp_path_factory):
    """A folder with a run that learned from a Chinese text in another encoding."""
    folder = tmp_path_factory.mktemp("chinese")
    (folder / "文.txt").write_bytes(CHINESE.encode("gbk"))
    small = ["--hidden", "4", "--embed", "2", "--batch", "2", "--steps", "3", "--sample", "0", "--out", "跑"]
    refused = _run("train", "文.txt", *small, cwd=folder)
    assert refused.returncode == 2 and not (folder / "跑").exists()
    assert refused.stderr == (
        "error: '文.txt': got byte 0xce at offset 0, expected text in UTF-8; it looks like gb18030, which --encoding "
        "gb18030 (encoding= in Python) reads, or convert it: iconv -f GB18030 -t UTF-8 '文.txt' > '文.utf8.txt'\n"
    )
    assert _run("train", "文.txt", "--encoding", "gb18030", *small, cwd=folder).returncode == 0
    assert _run("train", "--resume", "--steps", "5", "--out", "跑", "--sample", "0", cwd=folder).returncode == 0
    return folder


# Commands that each end with a | in one process, which would else be started for each; after each its exit status.
ONE_AFTER_THE_OTHER = """
import sys
from gated.cli import main
words = sys.argv[1:]
while words:
    end = words.index("|")
    code = main(words[:end])
    print(code, end="\\0", flush=True)
    print(end="\\0", file=sys.stderr, flush=True)
    words = words[end + 1 :]
"""


@pytest.mark.skipif(os.name != "posix", reason="bytes as arguments are POSIX's")
@pytest.mark.parametrize("name", LOCALES)
def test_letters_go_in_and_out_whatever_the_locale_says(chinese, name):
    environment = {k: v for k, v in _environment().items() if not k.startswith(("PYTHONIO", "LC_", "LANG"))}

    def start(command):
        encoded = [word.encode() if isinstance(word, str) else word for word in command]
        done = subprocess.run(encoded, cwd=chinese, env=environment | LOCALES[name], capture_output=True, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    code, out, err = start(_command("sample", "跑", "--prompt", "我来", "--length", "4"))
    assert (code, err, out[:2], len(out)) == (0, "", "我来", 7) and set(out) <= set(CHINESE)
    more = [
        ["sample", "跑", "--prompt", "我猫"],
        ["sample", "跑", "--prompt", "我".encode() + "狗".encode("gbk")],
        ["sample", "猫"],
        ["train", "--resume", "--out", "跑", "--sample", "0"],
        ["derive", "gru", "--lang", "zh"],
    ]
    code, *said = start([sys.executable, "-c", ONE_AFTER_THE_OTHER, *(w for words in more for w in (*words, "|"))])
    assert code == 0, said
    unknown, no_text, missing, resumed, derived = zip(*(text.split("\0")[:-1] for text in said), strict=True)
    assert unknown == ("2", "error: prompt: got '猫', expected characters that the model knows\n")
    assert no_text == (
        "2",
        "error: prompt: got the byte 0xb9 at offset 3, expected text in UTF-8, or a locale (LC_ALL) that says what "
        "it is in\n",
    )
    assert missing[1] == "error: run: got '猫', which does not exist, expected the folder of a run\n"
    assert resumed[0].endswith("0") and resumed[1] == "" and "文.txt" in resumed[0] and "run     跑," in resumed[0]
    assert "细胞（cell）的方程" in derived[0]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["cells"], ["derive", "gru"], ["--help"], ["train", "--help"], ["--version"]])
def test_output_that_cannot_be_written(tmp_path, words):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            _command(*words), cwd=tmp_path, env=_environment(), stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert (done.returncode, done.stderr) == (2, b"error: output: No space left on device\n")


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="needs /dev/stdout")
def test_a_derivation_into_what_is_no_file(tmp_path):
    """As root, /dev/null would otherwise be replaced by a file."""
    whole = _run("derive", "gru", cwd=tmp_path)
    assert _run("derive", "gru", "-o", "/dev/stdout", cwd=tmp_path).stdout.rstrip("\n") == whole.stdout.rstrip("\n")
    assert _run("derive", "gru", "-o", "/dev/null", cwd=tmp_path).returncode == 0
    assert not os.path.isfile("/dev/null") and not list(tmp_path.iterdir())


def test_the_help_loads_neither_numpy_nor_matplotlib(tmp_path):
    code = (
        "import sys; from gated.cli import main; main(['train', '--help']); "
        "print([n for n in ('numpy', 'matplotlib', 'tqdm', 'gated.nn') if n in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=_environment(), capture_output=True, text=True, timeout=60
    )
    assert result.stderr == "[]\n"


def test_numpy_is_not_loaded_before_the_threads_are_set(tmp_path):
    code = (
        "import sys; from gated.cli import main, threads; seen = []; "
        "threads.limit_threads = lambda count: seen.append((count, 'numpy' in sys.modules)); "
        "main(['train', 'none.txt', '--threads', '2']); print(seen)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=_environment(), capture_output=True, text=True, timeout=60
    )
    assert result.stdout == "[(2, False)]\n"
