"""What `gated classify` does: split, judge, lay beside plain yardsticks, show.

scores       accuracy and the confusion matrix
splitting    what is learned from and what is judged by
yardsticks   the commonest class, the nearest neighbour
over_time    what the classifier makes of a sequence step by step
trial        all of this, for a classifier and its data
words, page  the report
"""

from gated.lazy import submodules

__getattr__, __dir__ = submodules(__name__)
