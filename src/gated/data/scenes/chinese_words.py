"""The words of Chinese captions: numbers with measure words, colours, shapes, places, relations."""

WORDS = """
n x:
    <number x> <measure x>
    一对 {x.count=2}

that x:
    那 <measure x> {x.count=1}
    这 <measure x> {x.count=1}
    那 <several x> <measure x>
    这 <several x> <measure x>

measure x = x.measure
    个: 个
    颗: 颗
    块: 块

number x:
    一 {x.count=1}
    <several x>

several x = x.count
    2: 两
    3: 三
    4: 四

all x:
    两 <measure x> 都 {x.count=2}
    <every> {x.count=3}
    <every> {x.count=4}

every:
    都
    全都

it x = x.number
    one: 它
    many: 它们

colour x = x.colour
    red: 红色 | 鲜红色
    orange: 橙色 | 橘色
    yellow: 黄色 | 金黄色
    green: 绿色
    blue: 蓝色
    purple: 紫色
    brown: 棕色 | 褐色 | 咖啡色
    black: 黑色

short x = x.colour
    red: 红
    yellow: 黄
    green: 绿
    blue: 蓝
    purple: 紫
    black: 黑

size x = x.size
    small: 小
    large: 大

very x = x.size
    small: 很小 | 比较小
    large: 很大 | 比较大

little x:
    <very x>
    小小 {x.size=small}
    大大 {x.size=large}

shape x:
    <plain x>
    圆形 {x.shape=circle, x.measure=个}
    正方形 {x.shape=square, x.measure=个}
    星星 {x.shape=star, x.measure=颗}
    十字 {x.shape=cross, x.measure=个}
    环形 {x.shape=ring, x.measure=个}
    爱心 {x.shape=heart, x.measure=颗}
    爱心 {x.shape=heart, x.measure=个}
    桃心 {x.shape=heart, x.measure=颗}

plain x:
    圆 {x.shape=circle, x.measure=个}
    方块 {x.shape=square, x.measure=个}
    方块 {x.shape=square, x.measure=块}
    三角形 {x.shape=triangle, x.measure=个}
    三角 {x.shape=triangle, x.measure=个}
    菱形 {x.shape=diamond, x.measure=个}
    五角星 {x.shape=star, x.measure=颗}
    五角星 {x.shape=star, x.measure=个}
    十字形 {x.shape=cross, x.measure=个}
    圆环 {x.shape=ring, x.measure=个}
    桃心 {x.shape=heart, x.measure=颗}

intro:
    这里 有
    <picture> 里 有
    <picture> 上 有
    <picture> 上 画着
    可以 看到
    我们 看到
    能 看见

picture:
    画面
    图片
    这张 图
    这幅 画

in x:
    <place x>
    <picture> 的 <place x>

place x:
    上方 {x.row=top}
    上面 {x.row=top}
    顶部 {x.row=top}
    下方 {x.row=bottom}
    下面 {x.row=bottom}
    底部 {x.row=bottom}
    左边 {x.column=left}
    左侧 {x.column=left}
    右边 {x.column=right}
    右侧 {x.column=right}
    中间 {x.row=middle, x.column=middle}
    中央 {x.row=middle, x.column=middle}
    正中间 {x.row=middle, x.column=middle}
    左上角 {x.row=top, x.column=left}
    右上角 {x.row=top, x.column=right}
    左下角 {x.row=bottom, x.column=left}
    右下角 {x.row=bottom, x.column=right}

rel x y:
    左边 {x left y}
    左侧 {x left y}
    左面 {x left y}
    右边 {x right y}
    右侧 {x right y}
    右面 {x right y}
    上方 {x above y}
    上面 {x above y}
    上边 {x above y}
    下方 {x below y}
    下面 {x below y}
    下边 {x below y}
    左上方 {x left y, x above y}
    右上方 {x right y, x above y}
    左下方 {x left y, x below y}
    右下方 {x right y, x below y}

than x y:
    大 {x larger y}
    要 大 一些 {x larger y}
    小 {x smaller y}
    要 小 一些 {x smaller y}
"""
