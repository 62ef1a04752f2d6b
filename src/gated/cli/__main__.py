"""`python -m gated.cli`: the same as the command `gated`."""

import sys

from gated.cli import main

sys.exit(main())
