"""The grammar of Chinese captions: as the English one, with measure words where that has numbers.

A noun says which measure word it wants (个, 颗, 块); the number in front of it has to have the same.
"""

from __future__ import annotations

from gated.data.scenes.chinese_words import WORDS
from gated.data.scenes.grammar import Grammar

SENTENCES = """
caption1 x:
    <np x>
    <intro> <np x>
    <in x> 有 <np x>
    <in x> 画着 <np x>
    在 <in x> ， 有 <np x>
    有 <np x> 在 <in x>
    有 <np x> 位于 <in x>
    <intro> <np x> ， 在 <in x>
    <intro> <np x> ， 位于 <in x>
    <the x> 在 <in x>
    <in x> 的 <some x> 是 <colour x> 的
    <in x> 的 <some x> 是 <colour x> 的 ， 而且 <very x>
    <in x> 的 <some x> <very x> ， 是 <colour x> 的
    位于 <in x> 的 <some x> 是 <colour x> 的
    <intro> <n x> <size x>? <shape x> ， <it x> 是 <colour x> 的
    <intro> <n x> <shape x> ， <it x> <very x> ， 是 <colour x> 的
    <in x> 有 <n x> <size x>? <shape x> ， <it x> 是 <colour x> 的
    <in x> 有 <n x> <size x>? <shape x> ， 颜色 是 <colour x>
    <intro> <n x> <size x>? <shape x> ， <all x> 是 <colour x> 的
    <intro> <n x> <colour x> 的 <shape x> ， <all x> <very x>
    <in x> 有 <n x> <size x>? <shape x> ， <all x> 是 <colour x> 的
    <colour x> 的 <size x>? <shape x> 有 <n x>
    <colour x> 的 <size x>? <shape x> 一共 有 <n x> ， 在 <in x>
    <in x> 的 图形 是 <np x>
    画 在 <in x> 的 是 <np x>
    <in x> 的 <colour x> 图形 是 <n x> <size x>? <shape x>
    <picture> 里 只有 <np x>
    你 看到 的 是 <np x>
    这 张 图 画 的 是 <np x>

caption2 x y:
    <np x> 和 <np y>
    <intro> <np x> 和 <np y>
    <intro> <np x> ， 还 有 <np y>
    <intro> <np x> 以及 <np y>
    <in x> 有 <np x> ， <in y> 有 <np y>
    <in x> 是 <np x> ， <in y> 是 <np y>
    <in x> 画着 <np x> ， <in y> 则 是 <np y>
    <np x> 在 <in x> ， <np y> 在 <in y>
    <the x> 在 <in x> ， 而 <the y> 在 <in y>
    <n x> <size x>? <shape x> 和 <n y> <size y>? <shape y> ， 都 是 <colour x> 的 {y.colour=x.colour}
    <intro> <n x> <size x>? <shape x> 和 <n y> <size y>? <shape y> ， 全 是 <colour x> 的 {y.colour=x.colour}
    <n x> <colour x> 的 <shape x> 和 <n y> <colour y> 的 <shape y> ， 都 <very x> {y.size=x.size}
    <np x> 在 <any y> 的 <rel x y>
    <the x> 在 <any y> 的 <rel x y>
    <np x> 位于 <any y> <rel x y>
    <the x> 位于 <any y> 的 <rel x y>
    <any y> 的 <rel x y> 是 <np x>
    <any y> 的 <rel x y> 有 <np x>
    在 <any y> 的 <rel x y> ， 有 <np x>
    <intro> <np x> ， 在 <any y> 的 <rel x y>
    <intro> <np y> ， <it y> 的 <rel x y> 是 <np x>
    <intro> <np y> ， <it y> 的 <rel x y> 有 <np x>
    <np y> ， <it y> 的 <rel x y> 还 有 <np x>
    <np y> ， <rel x y> 是 <np x>
    <any y> <rel x y> 的 <some x> 是 <colour x> 的
    在 <any y> <rel x y> 的 <some x> 是 <colour x> 的
    在 <any y> <rel x y> 的 <some x> <very x> ， 是 <colour x> 的
    位于 <any y> <rel x y> 的 是 <np x>
    在 <any y> <rel x y> 的 图形 是 <np x>
    在 <any y> <rel x y> 的 <colour x> 图形 是 <n x> <size x>? <shape x>
    <np x> 和 <np y> ， 前者 在 后者 的 <rel x y>
    <np x> 和 <np y> ， 后者 在 前者 的 <rel y x>
    <intro> <np x> 和 <np y> ， <shape x> 在 <shape y> 的 <rel x y> {x.shape!=y.shape}
    <the x> 比 <the y> <than x y>
    有 <np x> 比 <the y> <than x y>
    比 <any y> <than x y> 的 是 <np x>
    <intro> <np x> ， 比 <any y> <than x y>
    <intro> <np x> 和 <np y> ， <shape x> 比 <shape y> <than x y> {x.shape!=y.shape}

np x:
    <n x> <colour x> 的 <size x>? <shape x>
    <n x> <colour x> <size x>? <shape x>
    <n x> <little x> 的 <colour x> <shape x>
    <n x> <short x> <plain x>
    <n x> 小 <short x> <plain x> {x.size=small}

the x:
    <colour x> 的 <size x>? <shape x>
    <colour x> <size x>? <shape x>
    <that x> <colour x> 的 <size x>? <shape x>
    <that x> <short x> <plain x>
    <that x> 小 <short x> <plain x> {x.size=small}

any x:
    <np x>
    <the x>

some x:
    <that x> <shape x>
    <n x> <shape x>
    <shape x>
"""


def split(text: str) -> list[str]:
    """Characters, without spaces and a full stop at the end."""
    return list("".join(text.split()).removesuffix("。").replace(",", "，"))


CHINESE = Grammar(SENTENCES + WORDS, split, "".join)
