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
        ", ".join(filter(None, [title, *more])) for title, more in zip(own, _differences(traces, own), strict=True)
    ]
    titles = [*given[: len(own)], *told[len(given) :]]
    return [title or ("run" if len(own) == 1 else f"lane {i}") for i, title in enumerate(titles, start=1)]


def _differences(traces: Sequence[Trace], titles: Sequence[str]) -> list[list[str]]:
    """Return for each run the parameters, and the seed, that differ and that the titles do not say already."""
    headers = [trace.header.as_dict() for trace in traces]
    if len({(header["scenario"], header["engine"]) for header in headers}) != 1:
        return [[] for _ in traces]  # other scenarios and other engines have other parameters by nature
    values = [{"seed": header["seed"], **header["params"]} for header in headers]
    differing = [name for name in values[0] if any(one.get(name) != values[0][name] for one in values)]
    unsaid = [
        name
        for name in differing
        if not all(_says(title, one.get(name)) for title, one in zip(titles, values, strict=True))
    ]
    return [[f"{name.replace('_', ' ')} {_said(one.get(name))}" for name in unsaid] for one in values]


def _says(title: str, value: Any) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(_said(value))}(?![\w.])", title) is not None


def _said(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "yes" if value else "no"
    return trim(value, 4) if isinstance(value, float) else str(value)
