"""The words of English captions, and the small phrases that agree in number."""

WORDS = """
colour x = x.colour
    red: red | crimson
    orange: orange
    yellow: yellow
    green: green
    blue: blue | azure
    purple: purple | violet
    brown: brown
    black: black

size x = x.size
    small: small | tiny
    large: large | big | huge

shape x:
    <shape-one x> {x.number=one}
    <shape-many x> {x.number=many}

shape-one x = x.shape
    circle: circle | disc
    square: square
    triangle: triangle
    diamond: diamond | rhombus
    star: star
    cross: cross | plus sign
    ring: ring
    heart: heart

shape-many x = x.shape
    circle: circles | discs
    square: squares
    triangle: triangles
    diamond: diamonds | rhombuses
    star: stars
    cross: crosses | plus signs
    ring: rings
    heart: hearts

thing x:
    <thing-one x> {x.number=one}
    <thing-many x> {x.number=many}

thing-one x:
    shape
    figure
    thing

thing-many x:
    shapes
    figures
    things

is x = x.number
    one: is
    many: are

it x = x.number
    one: it
    many: they

its x = x.number
    one: its
    many: their

them x = x.number
    one: it
    many: them

has x = x.number
    one: has
    many: have

lies x:
    <is x>
    <is x> placed
    <lies-one x> {x.number=one}
    <lies-many x> {x.number=many}
    can be seen

lies-one x:
    lies
    sits
    appears

lies-many x:
    lie
    sit
    appear

intro x:
    there <is x>
    here <is x>
    the <picture> shows
    this <picture> has
    we see
    you can see
    this is a <picture> of

picture:
    picture
    image
    drawing

at x:
    <where x>
    <where x> of the <picture>

where x:
    at the top {x.row=top}
    at the bottom {x.row=bottom}
    on the left {x.column=left}
    on the left side {x.column=left}
    on the right {x.column=right}
    on the right side {x.column=right}
    in the middle {x.row=middle, x.column=middle}
    in the centre {x.row=middle, x.column=middle}
    in the <upper x> left corner {x.column=left}
    in the <upper x> right corner {x.column=right}

upper x = x.row
    top: upper | top
    bottom: lower | bottom

rel x y:
    <over x y>
    higher than {x above y}
    lower than {x below y}
    left of {x left y}
    to the left of {x left y}
    right of {x right y}
    to the right of {x right y}
    <over x y> and to the left of {x left y}
    <over x y> and to the right of {x right y}

over x y:
    above {x above y}
    over {x above y}
    below {x below y}
    under {x below y}
    beneath {x below y}

beside x y:
    to <its y> left {x left y}
    on <its y> left {x left y}
    to <its y> right {x right y}
    on <its y> right {x right y}
    above <them y> {x above y}
    over <them y> {x above y}
    below <them y> {x below y}
    under <them y> {x below y}

than x y:
    larger than {x larger y}
    bigger than {x larger y}
    smaller than {x smaller y}
"""
