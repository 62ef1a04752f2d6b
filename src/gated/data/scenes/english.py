"""The grammar of English captions.

Every caption tells shape and colour of every group, and says which group each word is about: a noun without its colour
comes again only where the shapes differ.
"""

from __future__ import annotations

import re

from gated.data.scenes.english_words import WORDS
from gated.data.scenes.grammar import Grammar

SENTENCES = """
caption1 x:
    <np x>
    <intro x> <np x>
    <np x> <at x>
    <intro x> <np x> <at x>
    <intro x> <np x> that <lies x> <at x>
    <np x> <lies x> <at x>
    <at x> <lies x> <np x>
    <at x> , there <is x> <np x>
    <the x> <lies x> <at x>
    <some x> <at x> <is x> <look x>
    <some x> that <lies x> <at x> <is x> <look x>
    <some x> , which <lies x> <at x> , <is x> <look x>
    <intro x> <n x> <shape x> , and <it x> <is x> <look x>
    <intro x> <n x> <shape x> <at x> , and <it x> <is x> <look x>
    <intro x> <np x> , and <it x> <lies x> <at x>
    <intro x> <n x> <size x>? <shape x> , <all x> <colour x>
    <intro x> <n x> <size x>? <shape x> <at x> , <all x> <colour x>
    <n x> <size x>? <shape x> , <all x> <colour x> , <lies x> <at x>
    <intro x> <n x> <shape x> , a <size x>? <colour x> one {x.number=one}
    <intro x> <n x> <shape x> , <size x>? <colour x> ones {x.number=many}
    the <thing x> <at x> <is x> <np x>
    the <thing x> that <lies x> <at x> <is x> <np x>
    the <thing x> in this <picture> <is x> <np x>
    the <colour x> <thing x> <at x> <is x> <n x> <size x>? <shape x>
    the <colour x> <thing x> in this <picture> <is x> <n x> <size x>? <shape x>
    what you see <at x> <is x> <np x>
    what the <picture> shows <is x> <np x>
    the colour of the <size x>? <shape x> <at x> is <colour x>

caption2 x y:
    <np x> and <np y>
    <intro x> <np x> and <np y>
    <intro x> <np x> , and <np y>
    <np x> <at x> and <np y> <at y>
    <intro x> <np x> <at x> and <np y> <at y>
    <np x> <lies x> <at x> and <np y> <lies y> <at y>
    <np x> <lies x> <at x> , while <np y> <lies y> <at y>
    <the x> <lies x> <at x> , and <the y> <lies y> <at y>
    <at x> <lies x> <np x> and <at y> <lies y> <np y>
    <at x> there <is x> <np x> , and <at y> there <is y> <np y>
    <n x> <size x>? <shape x> and <n y> <size y>? <shape y> , <all-of x y> <colour x> {y.colour=x.colour}
    <intro x> <n x> <size x>? <shape x> and <n y> <size y>? <shape y> , <all-of x y> in <colour x> {y.colour=x.colour}
    <n x> <colour x> <shape x> and <n y> <colour y> <shape y> , <all-of x y> <size x> {y.size=x.size}
    <np x> <lies x> <rel x y> <any y>
    <the x> <lies x> <rel x y> <any y>
    <np x> <rel x y> <any y>
    <intro x> <np x> <rel x y> <any y>
    <intro x> <np x> that <lies x> <rel x y> <any y>
    <rel x y> <any y> <lies x> <np x>
    <rel x y> <any y> , there <is x> <np x>
    <any y> <has y> <np x> <beside x y>
    <any y> with <np x> <beside x y>
    <intro y> <np y> with <np x> <beside x y>
    <np y> and , <beside x y> , <np x>
    <np y> , and <beside x y> <np x>
    <intro y> <np y> ; <beside x y> <is x> <np x>
    <np x> and <np y> , the former <rel x y> the latter
    <np x> and <np y> , the latter <rel y x> the former
    <intro x> <np x> and <np y> , and the <shape x> <lies x> <rel x y> the <shape y> {x.shape!=y.shape}
    <np x> <is x> <than x y> <any y>
    <the x> <is x> <than x y> <any y>
    <intro x> <np x> that <is x> <than x y> <any y>
    <some x> <rel x y> <any y> <is x> <look x>
    <some x> that <lies x> <rel x y> <any y> <is x> <look x>
    <some x> , which <lies x> <rel x y> <any y> , <is x> <look x>
    <some x> that <is x> <than x y> <any y> <is x> <colour x>
    the <thing x> <rel x y> <any y> <is x> <np x>
    the <thing x> that <lies x> <rel x y> <any y> <is x> <np x>
    what you see <rel x y> <any y> <is x> <np x>
    the <colour x> <thing x> <rel x y> <any y> <is x> <n x> <size x>? <shape x>

np x:
    <n x> <size x>? <colour x> <shape x>
    <n x> <size x> , <colour x> <shape x>
    <n x> <size x>? <shape x> that <is x> <colour x>
    <n x> <size x>? <shape x> in <colour x>
    <n x> <size x>? <shape x> painted <colour x>
    <n x> <colour x> <shape x> that <is x> <size x>
    <n x> <shape x> that <is x> both <size x> and <colour x>

the x:
    the <two x> <size x>? <colour x> <shape x>
    the <two x> <size x>? <shape x> that <is x> <colour x>
    the <two x> <colour x> <shape x> that <is x> <size x>

any x:
    <np x>
    <the x>

some x:
    the <two x> <shape x>
    <n x> <shape x>

look x:
    <colour x>
    <size x> and <colour x>
    <colour x> and <size x>

two x:
    {x.count=1, x.number=one}
    two {x.count=2, x.number=many}
    three {x.count=3, x.number=many}
    four {x.count=4, x.number=many}

n x:
    a {x.count=1, x.number=one}
    one {x.count=1, x.number=one}
    a single {x.count=1, x.number=one}
    two {x.count=2, x.number=many}
    a couple of {x.count=2, x.number=many}
    three {x.count=3, x.number=many}
    four {x.count=4, x.number=many}

all x:
    both {x.count=2}
    both of them {x.count=2}
    <every> {x.count=3}
    <every> {x.count=4}

every:
    all
    all of them

all-of x y:
    both {x.number=one, y.number=one}
    <every> {x.number=many}
    <every> {y.number=many}
"""

_TOKEN = re.compile(r"[a-z]+|\S")


def split(text: str) -> list[str]:
    """Words and signs; `an` becomes the `a` that it stands for, and stays where it is wrong."""
    tokens = _TOKEN.findall(text.lower())
    if tokens[-1:] == ["."]:
        tokens.pop()
    for k, (token, after) in enumerate(zip(tokens, tokens[1:], strict=False)):
        if token in ("a", "an"):
            vowel = after[0] in "aeiou"
            tokens[k] = "a" if (token == "an") is vowel else "an"
    return tokens


def join(tokens: list[str]) -> str:
    """A caption from tokens, without a capital letter or a full stop."""
    text = re.sub(r" (?=[,;])", "", " ".join(tokens))
    return re.sub(r"\ba(?= [aeiou])", "an", text)


ENGLISH = Grammar(SENTENCES + WORDS, split, join)
