"""What a table is set to: how it is cut, what it was promised, and when it is cut anew."""

from __future__ import annotations

from dataclasses import dataclass, field

from dsys_lab.errors import BadParameter, require_choice, require_fraction, require_positive
from dsys_lab.facts import fact
from dsys_lab.stores.key_value.partitioned.admission import LIMITS, MODES
from dsys_lab.stores.key_value.partitioned.indexes import GlobalIndex, LocalIndex
from dsys_lab.stores.key_value.partitioned.splitting import SIZE_BYTES_MAX, SplitPolicy

PAGE_BYTES: int = int(fact("dynamodb_page").value) << 20
LOCAL_INDEXES_MAX: int = int(fact("dynamodb_local_indexes").value)
GLOBAL_INDEXES_MAX: int = int(fact("dynamodb_global_indexes").value)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a table is made.

    Attributes
    ----------
    partitions : int
        With how many equal ranges of the hash space it begins.
    mode : str
        Who may pass: "static", "burst", "adaptive" or "global" (see `admission`).
    write_rate, read_rate : float
        Units a second of the whole table.
    write_limit, read_limit : float
        Units a second of one partition.
    saved : float
        With how much of the burst it begins, 0 to 1.
    split : SplitPolicy or None
        When a partition is cut in two; None: never.
    split_every_s : float
        How often that is looked at. A knob of the lab; no figure is published.
    local_indexes, global_indexes : tuple
    collection_bytes_max : int
        The most that the items of one partition key may have where there are local indexes.
    page_bytes : int
        What a query or scan reads before it ends its page.
    """

    partitions: int = 1
    mode: str = "global"
    write_rate: float = fact("dynamodb_on_demand_write").value
    read_rate: float = fact("dynamodb_on_demand_read").value
    write_limit: float = LIMITS["Write"]
    read_limit: float = LIMITS["Read"]
    saved: float = 1.0
    split: SplitPolicy | None = field(default_factory=SplitPolicy)
    split_every_s: float = 30.0
    local_indexes: tuple[LocalIndex, ...] = ()
    global_indexes: tuple[GlobalIndex, ...] = ()
    collection_bytes_max: int = SIZE_BYTES_MAX
    page_bytes: int = PAGE_BYTES

    def __post_init__(self) -> None:
        require_choice("mode", self.mode, tuple(MODES))
        require_fraction(saved=self.saved)
        require_positive(
            partitions=self.partitions, write_rate=self.write_rate, read_rate=self.read_rate,
            write_limit=self.write_limit, read_limit=self.read_limit, split_every_s=self.split_every_s,
            collection_bytes_max=self.collection_bytes_max, page_bytes=self.page_bytes,
        )  # fmt: skip
        names = [index.name for index in self.local_indexes] + [index.name for index in self.global_indexes]
        if len(names) != len({*names}):
            raise BadParameter(f"indexes {names}: give each a name of its own")
        if len(self.local_indexes) > LOCAL_INDEXES_MAX or len(self.global_indexes) > GLOBAL_INDEXES_MAX:
            raise BadParameter(
                f"{len(self.local_indexes)} local and {len(self.global_indexes)} global indexes: give at most "
                f"{LOCAL_INDEXES_MAX} and {GLOBAL_INDEXES_MAX}"
            )
