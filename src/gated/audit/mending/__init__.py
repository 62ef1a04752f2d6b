"""Where in their file a fault is, and the file without it: nothing is read off its text, every edit is measured.

targets     what their gradients are if some of the faults are mended
bench       candidates run in the child process: what is left of the faults
syntax      their backward functions as places in a text
sought      values that are wrong where the fault is, and values that are needed
words       the expressions of their functions, and which quantities they are worth
phrases     the right formula in their words
edits       candidates for one fault, the likeliest first
in_place    candidates for arguments that are changed in place
again       a mended copy audited again
mend        one edit after the other; the entrance is `locate_and_mend`
"""

from gated.audit.mending.mend import Mending, locate_and_mend

__all__ = ["Mending", "locate_and_mend"]
