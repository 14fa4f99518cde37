"""The reader's progress as a picture: one line a lab, a bar a prediction, a tick an exercise."""

from __future__ import annotations

import html
from statistics import fmean
from typing import Any, Final

from dsys_lab.lessons.map import LABS, Lab
from dsys_lab.lessons.shown import INK, QUIET, SURFACE, Shown, as_html, quiet
from dsys_lab.views.theme import ROLES

_NOTHING: Final = "Nothing yet: make a prediction or try an exercise in any lab, and it appears here."
_FLEETING: Final = (
    "This session runs on a machine that is thrown away when it ends, and your progress with it. "
    'Keep a copy: `progress().export("my_progress.json")`, then download the file.'
)
Entries = dict[str, dict[str, Any]]


def report_card(record: dict[str, Any], *, fleeting: bool = False) -> Shown:
    """Return what the record holds, as HTML and as text."""
    rows, told = [], []
    for lab in LABS:
        predictions, exercises = (_of(lab, record[kind]) for kind in ("predictions", "exercises"))
        if predictions or exercises:
            rows.append(_row(lab, predictions, exercises))
            told.append(_line(lab, predictions, exercises))
    warning = quiet(_FLEETING) if fleeting else ""
    if not rows:
        return Shown(
            f'<div style="color:{INK}">{_NOTHING}<br>{warning}</div>', "\n".join([_NOTHING, *[_FLEETING] * fleeting])
        )
    head = "".join(f'<th style="text-align:left;font-weight:600;color:{QUIET};padding:.2em .8em">{name}</th>'
                   for name in ("lab", "predictions: how close", "exercises"))  # fmt: skip
    table = (
        f'<table style="border-collapse:separate;border-spacing:0 5px;color:{INK};font-size:13px;margin:0">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{warning}"
    )
    return Shown(table, "\n".join([*told, *[_FLEETING] * fleeting]))


def _of(lab: Lab, entries: Entries) -> Entries:
    return {key[3:]: entry for key, entry in entries.items() if key[:3] == f"{lab.number:02d}/"}


def _row(lab: Lab, predictions: Entries, exercises: Entries) -> str:
    cell = f'style="background:{SURFACE};padding:.55em .8em;text-align:left;vertical-align:middle"'
    title = f'<span style="opacity:.65;margin-right:.5em">{lab.number:02d}</span><b>{lab.title}</b>'
    bars = "".join(_bar(name, entry) for name, entry in predictions.items()) or quiet("none yet")
    ticks = "".join(_tick(name, entry) for name, entry in exercises.items()) or quiet("none yet")
    return f"<tr><td {cell}>{title}</td><td {cell}>{bars}</td><td {cell}>{ticks}</td></tr>"


def _bar(name: str, entry: dict[str, Any]) -> str:
    """Return a prediction as a small bar, filled as far as it was close."""
    score = entry.get("score")
    role = ROLES["skipped" if score is None else "done" if score >= 0.7 else "again"]
    filled = (
        ""
        if score is None
        else f'<div style="width:{max(score, 0.04):.0%};height:100%;background:{role.colour}"></div>'
    )
    words = _words(name)
    return (
        f'<div title="{html.escape(_plain(name))}: {_said(entry)}" '
        'style="display:flex;align-items:center;gap:.6em;margin:.15em 0">'
        f'<div style="width:110px;height:10px;border-radius:5px;overflow:hidden;flex:none;'
        f'background:color-mix(in srgb, {QUIET} 25%, transparent)">{filled}</div>'
        f'<span style="min-width:3.2em;font-variant-numeric:tabular-nums">{_said(entry)}</span>'
        f'<span style="color:{QUIET};white-space:nowrap">{words}</span></div>'
    )


def _tick(name: str, entry: dict[str, Any]) -> str:
    passed = entry.get("passed")
    role, sign = (ROLES["done"], "✓") if passed else (ROLES["again"], "○")
    return (
        '<div style="margin:.15em 0;white-space:nowrap">'
        f'<span style="color:{role.colour};font-weight:700;margin-right:.5em">{sign}</span>'
        f"{_words(name)} {quiet(_tries(entry))}</div>"
    )


def _line(lab: Lab, predictions: Entries, exercises: Entries) -> str:
    scores = [entry["score"] for entry in predictions.values() if entry.get("score") is not None]
    closeness = f", closeness {fmean(scores):.0%} on average" if scores else ""
    lines = [f"{lab.number:02d} {lab.title}: {len(predictions)} predicted{closeness}"]
    lines += [f"  predicted {_plain(name)}: {_said(entry)}" for name, entry in predictions.items()]
    lines += [
        f"  {'solved' if entry.get('passed') else 'not yet solved'}: {_plain(name)}, {_tries(entry)}"
        for name, entry in exercises.items()
    ]
    return "\n".join(lines)


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _words(name: str) -> str:
    return as_html(_plain(name))


def _said(entry: dict[str, Any]) -> str:
    if entry.get("score") is not None:
        return f"{entry['score']:.0%}"
    return "seen" if entry.get("seen_first") else "open"


def _tries(entry: dict[str, Any]) -> str:
    tries = entry.get("tries", 0)
    return "1 try" if tries == 1 else f"{tries} tries"
