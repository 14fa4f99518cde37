"""What Flink does otherwise than the model."""
from typing import Final

from dsys_lab.engines.difference import Difference

FLINK_DIFFERENCES: Final[tuple[Difference, ...]] = ()
