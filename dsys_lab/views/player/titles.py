"""What stands over the lanes: each says every parameter in which it differs from the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dsys_lab.trace import Trace
from dsys_lab.views.player.words import trim


def titles_of(traces: Sequence[Trace], given: Sequence[str] = ()) -> list[str]:
    """Return a title for each run: the one that is given, else its own with what else differs between the runs."""
    own = [trace.header.title or trace.header.scenario for trace in traces]
    told = [
        ", ".join(filter(None, [title, *_differences(trace, traces, title)]))
        for trace, title in zip(traces, own, strict=True)
    ]
    titles = [*given[: len(own)], *told[len(given) :]]
    return [title or ("run" if len(own) == 1 else f"lane {i}") for i, title in enumerate(titles, start=1)]


def _differences(trace: Trace, traces: Sequence[Trace], title: str) -> list[str]:
    """Return the run's parameters, and its seed, that not every run has alike and that its title does not say."""
    if any(other.header.scenario != trace.header.scenario for other in traces):
        return []  # runs of different scenarios have different parameters by nature
    mine = {"seed": trace.header.seed, **trace.header.params}
    others = [{"seed": other.header.seed, **other.header.params} for other in traces]
    differing = {name: value for name, value in mine.items() if any(other.get(name) != value for other in others)}
    return [
        f"{name.replace('_', ' ')} {_said(value)}" for name, value in differing.items() if _said(value) not in title
    ]


def _says(title: str, value: Any) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(_said(value))}(?![\w.])", title) is not None


def _said(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "yes" if value else "no"
    return trim(value, 4) if isinstance(value, float) else str(value)
