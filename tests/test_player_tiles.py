"""The pages of files in the player: where each tile stands, what it is made of, the same names in both languages."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dsys_lab.trace import Trace
from dsys_lab.views.player import Player, pack
from dsys_lab.views.player.opening import opening
from dsys_lab.views.player.page import MODULE
from dsys_lab.views.player.still_tiles import label_of, tile_of, tiles_of

ROOT = Path(__file__).resolve().parent.parent
NODE = shutil.which("node")
FILES = ["night.heap", "06-minutes_sleep.0", "12-note.3", "night.sqlite", "groups.0", "heap"]


def reading() -> Trace:
    """Thirty pages of two files are read, five are left alone, one is written."""
    trace = Trace()
    for page in range(30):
        trace.emit(page, "page_read", "night", file=f"0{page % 2}-c{page % 2}.0", page=page // 2, size_bytes=8192,
                   used_bytes=(0, 100, 8192)[page % 3], source="disk")  # fmt: skip
    for block in range(5):
        trace.emit(40, "block_skip", "night", file="02-c2.0", block=block, why="nobody asked for it")
    trace.emit(41, "page_write", "night", file="02-c2.0", page=5, size_bytes=8192)
    trace.header.title = "a question"
    return trace


def in_node(script: str, trace: Trace, tmp_path: Path) -> object:
    """Run JavaScript over the player's module and a packed run; what it prints is JSON."""
    if NODE is None:
        if os.environ.get("DSYS_LAB_CI"):
            pytest.fail("node is missing")
        pytest.skip("node is not installed")
    (tmp_path / "a.run").write_bytes(pack(trace))
    (tmp_path / "player.mjs").write_text(MODULE, encoding="utf-8")
    head = f"""
    import {{ readFileSync }} from "node:fs";
    const player = await import({json.dumps((tmp_path / "player.mjs").as_uri())});
    const b = readFileSync({json.dumps(str(tmp_path / "a.run"))});
    const run = player.decode(b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength));
    const lane = player.timeline(run, run.lanes[0]), graph = player.graphOf(run), lay = player.layout(graph, 480);
    """
    command = [NODE, "--input-type=module", "-e", head + script]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_file_is_called_alike_in_python_and_in_javascript(tmp_path: Path) -> None:
    script = f"console.log(JSON.stringify({json.dumps(FILES)}.map((file) => player.fileLabel(file, 'night/x'))))"
    assert in_node(script, reading(), tmp_path) == [label_of("night/x", file) for file in FILES]
    assert [label_of("night/x", file) for file in FILES[:3]] == ["heap", "minutes_sleep", "note"]


def test_every_page_has_a_place_of_its_own_inside_its_box(tmp_path: Path) -> None:
    script = """
    const box = lay.boxes.find((one) => one.kind === "grid"), m = player.mosaic(lane, box);
    const labels = m.labels.map((label) => label.text);
    console.log(JSON.stringify({ w: box.w, h: box.h, size: m.size, x: m.x, y: m.y, labels }));
    """
    m = in_node(script, reading(), tmp_path)
    spots = list(zip(m["x"], m["y"], strict=True))
    assert len(set(spots)) == len(spots) == 36
    assert all(0 <= x and x + m["size"] <= m["w"] and 0 <= y and y + m["size"] <= m["h"] for x, y in spots)
    assert m["labels"] == ["c0", "c1", "c2"]


def test_where_no_message_moves_the_picture_is_the_last_moment() -> None:
    assert opening([reading()]).time_us == reading()[-1].time_us


def test_a_tile_is_a_page_and_knows_the_last_row_about_it() -> None:
    trace = reading()
    tiles = tiles_of(trace)
    assert len(tiles) == 36
    assert tiles["night", "02-c2.0", 5].kind == "page_write"
    assert tile_of(trace[0]) == ("night", "00-c0.0", 0)
    trace.emit(50, "note", "night", text="words are no page")
    assert tile_of(trace[-1]) is None


def test_where_pages_leave_it_is_told_how_many_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    said, write = [], Axes.text
    monkeypatch.setattr(Axes, "text", lambda *where, **how: said.append(where[-1]) or write(*where, **how))
    Player(reading()).still()
    trace = reading()
    trace.emit(50, "page_evict", "night", file="00-c0.0", page=0, why="room")
    Player(trace).still()
    assert [words.partition(",")[0] for words in said if "pages" in words] == ["30 pages read", "29 pages in memory"]


def test_a_still_shows_the_pages_and_is_the_same_each_time() -> None:
    once, again = Player(reading(), reading()).still(), Player(reading(), reading()).still()
    assert once == again
    assert once[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(once) > len(Player(Trace()).still())
