"""The derivation: its NumPy form computes what the reference backend computes, and the documents say the same."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.zoo import RANGES

import gated
from gated.backends import Pass
from gated.backends.made import for_made
from gated.backends.reference import ReferenceBackend
from gated.calculus.notation import break_lines
from gated.calculus.steps import steps
from gated.calculus.wording import _TABLE
from gated.language import chance
from gated.language.graph import ONE_DIM
from gated.language.printing import latex_symbol
from gated.schedule import schedule

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("odd_cells", HERE / "odd_cells.py")
assert _spec is not None and _spec.loader is not None
_odd = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_odd)

ODD_CELLS = _odd.ODD_CELLS
ALL = {**gated.cells.ZOO, **ODD_CELLS}
FORMATS = ("text", "markdown", "latex", "numpy")
LANGUAGES = ("en", "zh")


def run_source(source, *arguments):
    """Call the function of a printed program, where nothing but numpy can be imported."""

    def only_numpy(name, *args, **kwargs):
        assert name.split(".")[0] == "numpy", f"the program imports {name}"
        return __import__(name, *args, **kwargs)

    tree = ast.parse(source)
    function = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)][-1]
    namespace = {"__builtins__": {**vars(builtins), "__import__": only_numpy}}
    exec(source, namespace)
    return namespace[function](*arguments)


def example(cell, T, N=3, seed=0):
    """Sizes, parameters, inputs and draws, initial states and cotangents, all random and of ordinary size."""
    graph, rng = cell.graph, np.random.default_rng(seed)
    dims = dict.fromkeys(node.dim for node in graph.order)
    dims.update(dict.fromkeys(graph.dims.values()))
    sizes = {dim: 1 if dim == ONE_DIM else 3 + k for k, dim in enumerate(dims)}
    ranges = RANGES.get(cell.name, {})

    def draw(name, *shape, scale=1.0):
        return rng.uniform(*ranges[name], shape) if name in ranges else rng.normal(0, scale, shape)

    params = {n: draw(n, *(sizes[d] for d in shape), scale=0.5) for n, shape in graph.parameters.items()}
    x = [draw(name, T, N, sizes[graph.dims[name]]) for name in graph.inputs]
    units = {node.attr[1]: node.dim for node in graph.order if node.op == "leaf" and node.attr[0] == "draw"}
    x += [1.0 * (rng.random((T, N, sizes[units[name]])) < 0.5) for name in graph.draws]
    states = [draw(name, N, sizes[graph.dims[name]]) for name in graph.states]
    dy = rng.normal(size=(T, *states[0].shape))
    dstates = tuple(rng.normal(size=state.shape) for state in states)
    return sizes, params, x, tuple(states), dy, dstates


def by_backend(cell, sizes, params, x, states, dy, dstates):
    """The same by the reference backend: {name: array} of all results."""
    (T, N, _), rows = x[0].shape, np.concatenate(x, axis=-1)
    backend = for_made(ReferenceBackend()) if cell.graph.made else ReferenceBackend()
    plan = schedule(chance.drawn(cell.graph) if cell.graph.draws else cell.graph)
    scan = backend.forward(Pass(plan, sizes, params, rows.reshape(T * N, -1), np.full(T, N), states))
    grads = {name: np.zeros_like(value) for name, value in params.items() if name not in cell.graph.fixed}
    dx, initial = backend.backward(scan, dy.reshape(T * N, -1), dstates, grads)
    y, dx = scan.states[0][N:].reshape(T, N, -1), dx.reshape(T, N, -1)
    return results(cell, y, [state[len(state) - N :] for state in scan.states], dx, initial, grads)


def results(cell, y, states, dx, dstates, grads):
    dx = np.concatenate(dx, axis=-1) if isinstance(dx, tuple) else dx
    named = {"y": y, "dx": dx, **{f"d{name}": value for name, value in grads.items()}}
    named.update((f"final {name}", value) for name, value in zip(cell.states, states, strict=True))
    named.update((f"initial d{name}", value) for name, value in zip(cell.states, dstates, strict=True))
    return named


@pytest.mark.parametrize("T", [1, 2, 7])
@pytest.mark.parametrize("name", ALL)
def test_numpy_program_agrees_with_the_reference_backend(name, T):
    cell = ALL[name]
    sizes, params, x, states, dy, dstates = example(cell, T, seed=T)
    expected = by_backend(cell, sizes, params, x, states, dy, dstates)
    before = [value.copy() for value in (*x, *states, dy, *dstates, *params.values())]
    got = results(cell, *run_source(cell.derive("numpy"), *x, states, params, dy, dstates))
    assert got.keys() == expected.keys()
    for key, value in expected.items():
        assert got[key].shape == value.shape, key
        error = np.linalg.norm(got[key] - value) / max(np.linalg.norm(value), 1e-300)
        assert error < 1e-12 or not np.any(value - got[key]), (key, error)
    for old, new in zip(before, (*x, *states, dy, *dstates, *params.values()), strict=True):
        assert np.array_equal(old, new), "the program changes its arguments"


def test_numpy_program_without_steps():
    cell = gated.cells.lstm
    _, params, x, states, dy, dstates = example(cell, T=0)
    y, final, dx, initial, grads = run_source(cell.derive("numpy"), *x, states, params, dy, dstates)
    assert y.shape == dy.shape and dx.shape == x[0].shape
    assert all(np.array_equal(a, b) for a, b in zip((*final, *initial), (*states, *dstates), strict=True))
    assert not any(value.any() for value in grads.values())


@pytest.mark.parametrize("name", ALL)
def test_numpy_program_is_plain_and_in_one_piece(name):
    english, chinese = (ALL[name].derive("numpy", lang) for lang in LANGUAGES)
    for source in (english, chinese):
        assert "gated" not in re.sub(r'#.*|""".*?"""', "", source, flags=re.DOTALL).replace(name, "")
        assert max(map(len, source.splitlines())) <= 120
        assert not any(line != line.rstrip() for line in source.splitlines())
    assert ast.dump(_without_docstring(english)) == ast.dump(_without_docstring(chinese)), "only comments differ"


def _without_docstring(source):
    tree = ast.parse(source)
    tree.body[-1].body = tree.body[-1].body[1:]
    return tree


def test_numpy_program_uses_the_names_of_the_cell():
    source = gated.cells.peephole_lstm.derive("numpy")
    for line in ("c = f * c_prev + i * g", "h = o * tanh_c", "dh = dy[t] + dh_next", "do = dh * tanh_c"):
        assert f"        {line}\n" in source
    assert 'grads["p.o"] += np.sum(delta_o * c, axis=0)' in source
    assert 'grads["p.f"] += np.sum(delta_f * c_prev, axis=0)' in source


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_quantity_and_parameter_is_derived(name, lang):
    cell = ALL[name]
    text = cell.derive("text", lang)
    for quantity in steps(cell.graph).quantities:
        assert f"{quantity.name}ₜ = " in text or f"{quantity.name} = " in text
    for parameter in cell.parameters.keys() - cell.graph.fixed:
        assert f"∂E/∂{parameter.replace('.', '_')} = " in text
    for state in cell.states:
        assert re.search(f"[d∇]{state}⁺ₜ₋₁ = ", text)


def test_the_chain_rule_of_the_peephole_lstm():
    lines = [line.strip() for line in gated.cells.peephole_lstm.derive().splitlines()]
    for line in (
        "dcₜ = dc⁺ₜ + dhₜ ⊙ ∂hₜ/∂cₜ + δ_oₜ ⊙ ∂a_oₜ/∂cₜ",
        "∂hₜ/∂cₜ = oₜ ⊙ (1 − tanh(cₜ)²)",
        "∂a_oₜ/∂cₜ = p_o",
        "dcₜ = dc⁺ₜ + dhₜ ⊙ oₜ ⊙ (1 − tanh(cₜ)²) + δ_oₜ ⊙ p_o",
        "δ_iₜ = diₜ ⊙ iₜ ⊙ (1 − iₜ)",
        "dc⁺ₜ₋₁ = dcₜ ⊙ fₜ + δ_fₜ ⊙ p_f + δ_iₜ ⊙ p_i",
        "dh⁺ₜ₋₁ = U_oᵀ δ_oₜ + U_gᵀ δ_gₜ + U_fᵀ δ_fₜ + U_iᵀ δ_iₜ",
        "∂E/∂U_i = Σₜ δ_iₜ hₜ₋₁ᵀ",
        "∂E/∂p_o = Σₜ δ_oₜ ⊙ cₜ",
        "∂E/∂b_g = Σₜ δ_gₜ",
    ):
        assert line in lines, line


def test_a_fixed_quantity_has_no_time_index():
    text = ODD_CELLS["parameter_expressions"].derive()
    assert "rate = exp(−softplus(k_rate))" in text and "rateₜ = exp" not in text and "drateₜ = " in text


def test_adjoints_do_not_look_like_quantities_of_the_cell():
    text = ODD_CELLS["clashing_names"].derive()
    assert "∇dyₜ = " in text and "∇outₜ" in text and "δ_dyₜ" not in text


@pytest.mark.parametrize("name", ["lstm"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_golden_text(name, lang):
    """The whole document, as reviewed; set GATED_UPDATE_GOLDEN=1 to write it anew, then read the difference."""
    path = HERE / "golden" / f"{name}.{lang}.txt"
    text = gated.cells.ZOO[name].derive("text", lang)
    if os.environ.get("GATED_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_option_changes_the_document():
    documents = [gated.cells.gru.derive(format, lang) for format in FORMATS for lang in LANGUAGES]
    assert len(set(documents)) == len(documents)
    assert gated.cells.gru.derive() == documents[0]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("format", ["markdown", "latex"])
def test_mathematics_is_balanced(name, format, lang):
    document = ALL[name].derive(format, lang)
    plain = document.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    assert document.count(r"\left") - document.count(r"\leftarrow") == document.count(r"\right")
    opened = []
    for kind, environment in re.findall(r"\\(begin|end)\{([^}]*)\}", document):
        if kind == "begin":
            opened.append(environment)
        else:
            assert opened.pop() == environment
    assert not opened
    assert not re.search(r"\^\{[^{}]*\}(_\{[^{}]*\})?\^", document), "two superscripts"
    for paragraph in re.split(r"\n\n+", document):
        assert paragraph.replace(r"\$", "").count("$") % 2 == 0
    assert "‹" not in document and "›" not in document


@pytest.mark.parametrize("name", ["lstm", "slstm", "symbols", "kinks", "lstm_full_gate_recurrence"])
def test_every_formula_can_be_set(name):
    """By matplotlib's small TeX, which knows no \\text."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    document = ALL[name].derive("markdown")
    formulas = re.findall(r"(?<![\\$])\$([^$\n]+)\$", document)
    for block in re.findall(r"\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}", document, re.DOTALL):
        formulas += [line.removesuffix(r" \\") for line in block.splitlines()]
    assert len(formulas) > 50
    for formula in formulas:
        if r"\text" not in formula:
            parser.parse(f"${formula.replace('&', '').replace(chr(92) + 'quad', '')}$")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_latex_compiles(lang, tmp_path):
    engine = {"en": "pdflatex", "zh": "xelatex"}[lang]
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    (tmp_path / "derivation.tex").write_text(gated.cells.peephole_lstm.derive("latex", lang), encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=200)


def test_latex_head_fits_the_letters():
    assert "pdflatex" in gated.cells.lstm.derive("latex") and gated.cells.lstm.derive("latex").isascii()
    assert "ctex" in gated.cells.lstm.derive("latex", "zh")
    assert "ctex" in ODD_CELLS["symbols"].derive("latex")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_text_is_narrow(lang):
    for name, cell in ALL.items():
        widest = max(len(line) for line in cell.derive("text", lang).splitlines())
        assert widest <= (100 if name in gated.cells.ZOO else 120), name  # a product of many factors is not broken


def test_unknown_format_and_language():
    with pytest.raises(gated.errors.ArgumentError) as error:
        gated.cells.lstm.derive("html")
    assert str(error.value) == "format: got 'html', expected one of text, markdown, latex, numpy"
    with pytest.raises(gated.errors.ArgumentError) as error:
        gated.cells.lstm.derive("text", "de")
    assert str(error.value) == "lang: got 'de', expected one of en, zh"


def test_both_languages_speak_of_the_same_things():
    for key, (english, chinese) in _TABLE.items():
        assert set(re.findall(r"\{.*?\}", english)) == set(re.findall(r"\{.*?\}", chinese)), key


def test_the_words_of_the_author_are_escaped():
    cell = gated.Cell.from_json({**gated.cells.rnn.to_json(), "doc": "100 % of a_b & `c_d` <x> #1 *bold* $"})
    assert r"100 \% of a\_b \& \texttt{c\_d}" in cell.derive("latex")
    assert r"100 % of a\_b & `c_d` \<x\> \#1 \*bold\* \$" in cell.derive("markdown")


@pytest.mark.parametrize(
    "name, expected",
    [
        ("h", "h_{t}"),
        ("m_new", r"m_{\mathrm{new},t}"),
        ("c_tilde", r"\tilde{c}_{t}"),
        ("h̃", r"\tilde{h}_{t}"),
        ("α", r"\alpha_{t}"),
        ("Λ", r"\Lambda_{t}"),
        ("u12", "u_{12,t}"),
        ("kept", r"\mathrm{kept}_{t}"),
        ("候选", r"\text{候选}_{t}"),
    ],
)
def test_names_in_latex(name, expected):
    assert latex_symbol(name, "t") == expected


def test_long_formulas_break_only_between_outer_terms():
    assert break_lines("aaaa + (bbbb + cccc) − dddd", 12) == ["aaaa", "+ (bbbb + cccc)", "− dddd"]
    assert break_lines("(a + b) c", 2) == ["(a + b) c"]
