"""Exercises of lab 06: a reader for three shapes, when modelling pays, and which files are the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dsys_lab import laws
from dsys_lab.errors import Misuse
from dsys_lab.lessons.exercises.task import Exercise, OpenQuestion, Verdict
from dsys_lab.lessons.exercises.watched import brief
from dsys_lab.scenarios.lake_and_warehouse.river import documents, firmware, shapes
from dsys_lab.simulation.chance import stream
from dsys_lab.stores.lake import Add, Remove, Snapshot, after
from dsys_lab.stores.lake.schema_on_read import read, wanted
from dsys_lab.views import charts

LAB: Final = 6
TRUE: Final = wanted("id! whole", "minutes whole hours_sleep*60 sleep_minutes sleep.minutes")


# ------------------------------------------------------------------------------------------ (a) one reader for all
def minutes_of(line: str) -> tuple[int, int | None] | None:
    """Return (id, minutes) of a document of any firmware; None if the line is no document of a night."""
    try:
        night = json.loads(line)
        number = night["id"]
    except (ValueError, TypeError, KeyError):
        return None
    if "hours_sleep" in night:
        hours = night["hours_sleep"]
        return number, None if hours is None else round(float(hours) * 60)
    if "sleep_minutes" in night:
        return number, night["sleep_minutes"]
    if "sleep" in night:
        return number, night["sleep"]["minutes"]
    return None


DAMAGED: Final = ('{"id":17,"d":"2017-01-0', "", "[1, 2]", '"id"', "null", '{"d":"2017-01-01","sleep_minutes":435}')
"""Lines that are no night."""


def check_minutes_of(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the rooms' own reader, on hidden nights."""
    lines = documents(106, 1_800)
    for line, right in zip(lines, read(lines, TRUE).rows, strict=True):
        said = function(line)
        if said is not None and (not isinstance(said, tuple) or len(said) != 2):
            raise Misuse(f"it returned {brief(said)}; give (id, minutes), or None for a line that is no night")
        if said != right or isinstance(said[1], float):
            told = f"{line}: you have {brief(said)}, it is {right}. {_minutes_slip(line, said, right)}"
            return Verdict(passed=False, saw=told.strip())
    for line in DAMAGED:
        try:
            said = function(line)
        except Exception as error:  # noqa: BLE001  whatever the reader's code raises is what is told
            return Verdict(passed=False, saw=f"At the line {line!r} it stopped with {type(error).__name__}: a bad line "
                           "must not end the load; return None, and somebody can look at it.")  # fmt: skip
        if said is not None:
            return Verdict(passed=False, saw=f"{line!r} is no night, and you made {brief(said)} of it.")
    return Verdict(passed=True, saw=f"Every minute of 1,800 hidden nights is back; {len(DAMAGED)} bad lines set aside.")


def _minutes_slip(line: str, said: Any, right: tuple[Any, ...]) -> str:
    if said is None or said[1] is None:
        return "Look for it where this firmware keeps it." if right[1] is not None else ""
    if right[1] is None:
        return "The device was off: null is not 0 minutes."
    if firmware(line) == 1 and float(said[1]) < 13:
        return "These are hours."
    if isinstance(said[1], float) or abs(said[1] - right[1]) == 1:
        return "Hours have two digits: round to whole minutes, do not cut."
    return ""


def _minutes_chart(function: Callable[..., Any]) -> charts.Chart:
    lines = documents(7, 900)
    told = dict.fromkeys(("firmware 1", "firmware 2", "firmware 3"), 0)
    for line in lines:
        said = function(line)
        told[f"firmware {firmware(line)}"] += said is not None and said[1] is not None
    return charts.bars(told, unit="nights with minutes", title="What your reader sees of 900 documents")


MINUTES: Final = Exercise(
    lab=LAB,
    name="minutes_of",
    title="One reader for three shapes",
    statement=f"""
A line is a document of a night, from one of three firmwares:

{", ".join(f"`{one}`" for one in shapes().values())}

Return `(id, minutes)`, minutes as a whole number or None if the device was off (null); or None if the line is no
document of a night: cut short, no object, without an id. It must not stop at such a line.""",
    skeleton="import json\n\n\ndef minutes_of(line):\n    ...",
    example='`minutes_of(\'{"id":17,"hours_sleep":"7.25"}\')` is `(17, 435)`.',
    hints=(
        "Ask which field is there, not which day it is: wearables update on a day of their own.",
        "`round(float(hours) * 60)`; a null stays None in all three shapes.",
        "`json.loads` raises ValueError; `night['id']` raises KeyError, or TypeError if it is no object.",
    ),
    check=check_minutes_of,
    play=lambda function: (),
    picture=_minutes_chart,
    is_pure=True,
    answer=minutes_of,
)


# ------------------------------------------------------------------------------------------ (b) when it pays
def cheapest(model_cost: float, lake_query: float, warehouse_query: float, queries: int) -> str:
    """Return whether raw files or a table made of them move fewer bytes for so many questions."""
    lake, warehouse = lake_query * queries, model_cost + warehouse_query * queries
    return "same" if lake == warehouse else "lake" if lake < warehouse else "warehouse"


def check_cheapest(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the law of the break-even, on both sides of it and upon it."""
    luck = stream(LAB, "cheapest")
    for turn in range(40):
        model, table = 1 + int(luck() * 2_000), int(luck() * 60)
        raw = max(0, table + int(luck() * 100) - 20)
        even = laws.break_even_queries(model, raw, table)
        for queries in {0, 1, 7, turn * 5, *((int(even), int(even) + 1) if even < 10_000 else ())}:
            right = "same" if queries == even else "lake" if queries < even else "warehouse"
            said = function(model, raw, table, queries)
            if said not in {"lake", "warehouse", "same"}:
                raise Misuse(f"it returned {brief(said)}; give 'lake', 'warehouse' or 'same'")
            if said != right:
                told = f"C = {model}, l = {raw}, w = {table}, {queries} questions: you say {said}, it is {right}. "
                return Verdict(passed=False, saw=told + _cheapest_slip(raw, table, queries))
    return Verdict(passed=True, saw="Right on both sides of the break-even, upon it, and where modelling never pays.")


def _cheapest_slip(raw: int, table: int, queries: int) -> str:
    if raw <= table:
        return "A question on the table is no cheaper here, so what it cost to make it never comes back."
    if queries == 0:
        return "Nobody asks: then only the cost of making it is left."
    return "l a question on one side; C once and w a question on the other."


def _cheapest_chart(function: Callable[..., Any]) -> charts.Chart:
    model, raw, table, most = 900.0, 100.0, 10.0, 20
    first = next((one for one in range(most + 1) if function(model, raw, table, one) == "warehouse"), most)
    series = {"lake": [(one, raw * one) for one in range(most + 1)],
              "warehouse": [(one, model + table * one) for one in range(most + 1)]}  # fmt: skip
    title = f"You change sides at {first} questions"
    return charts.lines({name: [(float(x), y) for x, y in points] for name, points in series.items()},
                        title=title, x="questions", y="bytes in all")  # fmt: skip


CHEAPEST: Final = Exercise(
    lab=LAB,
    name="cheapest",
    title="When does modelling pay?",
    statement="""
To make a table of raw files moves `model_cost` bytes, once. A question reads `lake_query` bytes of the raw files, or
`warehouse_query` bytes of the table.

For so many `queries`, return which way moves fewer bytes in all: `"lake"`, `"warehouse"`, or `"same"`.""",
    skeleton="def cheapest(model_cost, lake_query, warehouse_query, queries):\n    ...",
    example="`cheapest(900, 100, 10, 10)` is `'same'`: 1,000 bytes each.",
    hints=(
        "Two sums; no division is needed.",
        "Raw: `lake_query * queries`. Table: what it cost to make, and `warehouse_query * queries`.",
        "Compare the sums; the break-even `C / (l - w)` would divide by 0 where both questions cost the same.",
    ),
    check=check_cheapest,
    play=lambda function: (),
    picture=_cheapest_chart,
    is_pure=True,
    answer=cheapest,
)


# ------------------------------------------------------------------------------------------ (c) the live files
def live_files(commits: Sequence[Sequence[Mapping[str, Any]]], version: int) -> set[str]:
    """Return the files that are the table at this version."""
    files: set[str] = set()
    for actions in commits[: version + 1]:
        for action in actions:
            if "add" in action:
                files.add(action["add"]["path"])
            elif "remove" in action:
                files.discard(action["remove"]["path"])
    return files


def _log(seed: int) -> list[list[dict[str, Any]]]:
    """Return commits with appends, compactions, deletes, and files that come back by a restore."""
    luck, files, gone, commits = stream(seed, "log"), list[str](), list[str](), list[list[dict[str, Any]]]()
    for version in range(14):
        told: list[Add | Remove] = []
        do = luck()
        if do < 0.3 and len(files) > 1:
            rest = files[int(luck() * len(files)) :]
            told = [Remove(path, changes_data=False) for path in rest] + [Add(f"part-{version}", 9, changes_data=False)]
        elif do < 0.45 and gone:
            told = [Add(gone[int(luck() * len(gone))], 5)]
        else:
            told = [Add(f"part-{version}-{number}", 3) for number in range(1 + int(luck() * 2))]
        commits.append([{"commitInfo": {"operation": "?"}}, *(action.to_json() for action in told)])
        for action in told:
            (files if isinstance(action, Add) else gone).append(action.path)
            if isinstance(action, Remove):
                files.remove(action.path)
            elif action.path in gone:
                gone.remove(action.path)
    return commits


def _true_files(commits: Sequence[Sequence[Mapping[str, Any]]], version: int) -> set[str]:
    """Return what the room's own fold says."""
    told = Snapshot()
    for number, actions in enumerate(commits[: version + 1]):
        words = [Add(one["add"]["path"], 0) if "add" in one else Remove(one["remove"]["path"])
                 for one in actions if "add" in one or "remove" in one]  # fmt: skip
        told = after(told, number, words)
    return set(told.files)


def check_live_files(function: Callable[..., Any]) -> Verdict:
    """Hold the function against the room's fold, on hidden logs, at every version."""
    for seed in range(600, 610):
        commits = _log(seed)
        for version in range(len(commits)):
            said = function(json.loads(json.dumps(commits)), version)
            if not isinstance(said, set | frozenset | list | tuple):
                raise Misuse(f"it returned {brief(said)}; give a set of paths")
            right = _true_files(commits, version)
            if {*said} != right or len({*said}) != len(said):
                extra, missing = sorted({*said} - right), sorted(right - {*said})
                told = f"Version {version} of a log: too many {extra[:3]}, missing {missing[:3]}. "
                return Verdict(passed=False, saw=told + _live_slip(commits, version, {*said}))
    return Verdict(passed=True, saw="The right files at every version of ten hidden logs, restores among them.")


def _live_slip(commits: Sequence[Sequence[Mapping[str, Any]]], version: int, said: set[str]) -> str:
    words = [one for actions in commits[: version + 1] for one in actions]
    added = {one["add"]["path"] for one in words if "add" in one}
    removed = {one["remove"]["path"] for one in words if "remove" in one}
    if said == added:
        return "What was removed is no longer of the table, though its bytes still lie there."
    if said == added - removed:
        return "A file that was removed may be added again, by a restore: go commit by commit."
    if said == _true_files(commits, version - 1):
        return "Commit number `version` belongs to it, too."
    if said == _true_files(commits, len(commits)):
        return "That is the latest version: stop at the one that was asked for."
    return ""


def _live_chart(function: Callable[..., Any]) -> charts.Chart:
    commits = _log(600)
    sizes = [(float(version), float(len(function(commits, version)))) for version in range(len(commits))]
    return charts.lines({"yours": sizes}, title="Files of the table, by version", x="version", y="files", steps=True)


LIVE: Final = Exercise(
    lab=LAB,
    name="live_files",
    title="Which files are the table?",
    statement="""
`commits[v]` is commit v, a list of actions as the log has them: `{"add": {"path": …}}`, `{"remove": {"path": …}}`,
and others that are no matter here, such as `{"commitInfo": …}`.

Return the set of the paths that are the table at `version`.""",
    skeleton="def live_files(commits, version):\n    ...",
    example="Commit 0 adds a, commit 1 removes a and adds b: at version 0 it is `{'a'}`, at version 1 `{'b'}`.",
    hints=(
        "Go through the commits from 0 up to and with `version`, action by action, with a set in your hand.",
        "An add puts a path in, a remove takes it out; all else is passed over.",
        "`files.add(path)`, `files.discard(path)`. All adds minus all removes is wrong: think of a restore.",
    ),
    check=check_live_files,
    play=lambda function: (),
    picture=_live_chart,
    is_pure=True,
    answer=live_files,
)


DESIGN: Final = OpenQuestion(
    lab=LAB,
    name="design",
    title="Lake, warehouse, or both?",
    statement="""
Three kinds of data come in: pings of the wearables (a thousand million a day, their fields change with every
firmware), orders of the shop (a thousand a day, money), and chats with support (texts, with names and illnesses in
them). For each: raw files, typed tables, or both? Who pays for a question? And what if a person asks that all that is
known of them be deleted?""",
    model_answer="""
*Pings*: both. Raw, as they came, for a field that nobody asked for today cannot be had back tomorrow; and a table made
from them, with columns for what is asked every day, since one question on raw lines reads all of them. The table is
derived: it can be made anew when the reader of the shapes gets better. Raw files may go after a year or two, which
somebody decides and writes down.

*Orders*: a typed table, strict, and a quarantine that somebody looks at every day. An order with a missing price is no
order. Their shape is ours, and changes when we change it. The source is the shop's database, so a copy of its changes
is kept raw as well, cheaply.

*Chats*: raw, under a key of their own for each person, in few places, and few may read; what is derived (a topic, a
mood) goes into a table without the texts.

*Deletion*: in a table of files a person's rows lie in many files, each is written anew, and the old files are gone only
after a vacuum: the retention is part of the answer to the person. In raw files it is worse: everybody's lines are
mixed. Either files are cut by person, or values are encrypted with a key for each person, and the key is thrown away.

*Who pays*: without a table every reader pays, each time, and each reads the shapes in a way of their own. With one, who
makes it pays once; let the team that knows the data do it.""",
)

TASKS: Final = (MINUTES, CHEAPEST, LIVE, DESIGN)
