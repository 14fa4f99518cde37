"""Which blocks were read and skipped, and what was sent: how does it become rows of a trace?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsys_lab.stores.warehouse.cluster import Cluster
from dsys_lab.stores.warehouse.running import Place, Read, Run, Stored
from dsys_lab.trace import Recorder


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells a recorder what slices did."""

    recorder: Recorder
    cluster: Cluster
    block_bytes: int

    def run(self, run: Run, now_us: int) -> None:
        """Tell of a question."""
        self.blocks({alias: table.name for alias, table in run.tables.items()}, run.reads, run.places, now_us)
        for (source, target), size_bytes in sorted(run.shuffled.items()):
            self.recorder.emit(
                now_us, "send", f"node-{source}", f"rows {source}-{target}", to=f"node-{target}", copy=0,
                type=run.move.label if run.move else "", arrive_us=now_us, size_bytes=size_bytes,
            )  # fmt: skip

    def written(self, before: Stored, after: Stored, now_us: int) -> None:
        """Tell which blocks a change made."""
        for at, (old, new) in enumerate(zip(before.slices, after.slices, strict=True)):
            there = {id(block) for block in old.blocks}
            for region in new.regions:
                for chunk in (one.chunk for blocks in region.blocks.values() for one in blocks if id(one) not in there):
                    self.recorder.emit(
                        now_us, "page_write", self.cluster.name(at), None, file=f"{after.name}.{chunk.column}",
                        page=chunk.block, size_bytes=self.block_bytes, source=region.name,
                    )  # fmt: skip

    def blocks(
        self, names: Mapping[str, str], reads: Iterable[Read], places: Mapping[tuple[str, str], list[Place]],
        now_us: int,
    ) -> None:  # fmt: skip
        """Tell which blocks were read, and which of those in question were skipped; `names` are tables by alias."""
        read = {(alias, one.column, at, one.region, one.block): one for alias, at, one in reads}
        for (alias, _, at, _, _), one in read.items():
            self.recorder.emit(
                now_us, "page_read", self.cluster.name(at), None, file=f"{names[alias]}.{one.column}",
                page=one.block, size_bytes=self.block_bytes, used_bytes=one.size_bytes, source=one.region,
            )  # fmt: skip
        for (alias, column), there in places.items():
            for at, region, block in there:
                if (alias, column, at, region, block) not in read:
                    self.recorder.emit(
                        now_us, "block_skip", self.cluster.name(at), None,
                        file=f"{names[alias]}.{column}", block=block, why=f"zone map ({region})",
                    )  # fmt: skip
