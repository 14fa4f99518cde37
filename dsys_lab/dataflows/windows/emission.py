"""When does a window speak, and what does it say the second time?

It speaks *on time* when the watermark passes its end; *early* every `early_us` if there is news, for those who cannot
wait; *late* at once for every event that comes in its `lateness_us` after that.

What is said again can be meant in three ways, and whoever reads must know which:

=============  ==================================  =======================================
mode           says                                is read by
=============  ==================================  =======================================
`discard`      what came since it last spoke       merging: sums are right, means are not
`accumulate`   the whole, again                    overwriting the answer of the same key
`retract`      the old one taken back, the whole   adding and taking away, whatever follows
=============  ==================================  =======================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dsys_lab.errors import require_choice, require_not_negative, require_positive

MODES: Final = ("discard", "accumulate", "retract")


@dataclass(frozen=True, slots=True)
class Emission:
    """When windows speak, and how.

    Attributes
    ----------
    early_us : int or None
        Between two early answers, in processing time; None for none.
    lateness_us : int
        For how long after the watermark has passed its end a window is kept, in event time.
    mode : str
        One of `MODES`.
    """

    early_us: int | None = None
    lateness_us: int = 0
    mode: str = "retract"

    def __post_init__(self) -> None:
        require_positive(early_us=1 if self.early_us is None else self.early_us)
        require_not_negative(lateness_us=self.lateness_us)
        require_choice("mode", self.mode, MODES)

    @property
    def speaks_again(self) -> bool:
        """Whether a window may speak more than once."""
        return self.early_us is not None or self.lateness_us > 0
