"""Notebooks from their sources: run, made comparable, written beside them.

The edited form is `src/NN_name.py` (percent cells: reviewed, linted). The form that readers and GitHub see is
`NN_name.ipynb` with its outputs. This script makes the second from the first, and a second build gives the same bytes.

    build.py [NN ...]            run and write all, or those whose stems begin so
    build.py --prose [NN ...]    write changed prose around the outputs at hand; refused where code has changed
    build.py --check             run nothing; say what in the committed notebooks differs from their sources

Where prose names another lab ("lab 16", "labs 17 and 18"), the notebook has a link to it; the source does not.

What makes the bytes the same: a cell's id comes from its content, so it stays when cells move; clocks of execution,
widget state and the machine's own metadata are dropped; neighbouring pieces of one stream are joined; what goes to
stderr (progress bars, with their timings) is dropped, as the re-run of the notebooks ignores it; and the kernel runs
with DSYS_LAB_VIEW=still, PYTHONHASHSEED=0 and without progress bars.
"""
from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

HERE = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_TIMEOUT_S = 600
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
NOT_PROSE = re.compile(r"```.*?```|`[^`]*`|\[[^]]*\]\([^)]*\)|^#+ .*?$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"\b([Ll]ab)\s(\d\d)\b|\b([Ll]abs)\s(\d\d(?:(?:,\sand|,|\sand|\sto)\s\d\d)+)\b")


def sources(stems: list[str], folder: Path = HERE) -> list[Path]:
    """Return the sources whose names begin with one of `stems`; all, where there is none."""
    found = sorted((folder / "src").glob("[0-9][0-9]_*.py"))
    return [path for path in found if not stems or path.stem.startswith(tuple(stems))]


def built(source: Path) -> Path:
    """Return where the notebook of `source` stands."""
    return source.parent.parent / f"{source.stem}.ipynb"


def read_source(source: Path) -> NotebookNode:
    """Return the notebook that `source` describes, not run, with its final ids and metadata."""
    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = 5
    seen: Counter[str] = Counter()
    labs = {path.stem[:2]: f"{path.stem}.ipynb" for path in sources([], source.parent.parent)}
    del labs[source.stem[:2]]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_links(cell.source, labs)
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return notebook


def with_links(text: str, labs: dict[str, str]) -> str:
    """Return prose in which the labs that it names are links; `labs` says for each number its file.

    >>> with_links("a queue (lab 16), not `lab 16`; labs 17 and 18", {"16": "q.ipynb", "18": "s.ipynb"})
    'a queue ([lab 16](q.ipynb)), not `lab 16`; labs 17 and [18](s.ipynb)'
    """

    def one(number: str, words: str) -> str:
        return f"[{words}]({labs[number]})" if number in labs else words

    def link(found: re.Match[str]) -> str:
        if found[1]:
            return one(found[2], found[0])
        return f"{found[3]} " + re.sub(r"\d\d", lambda number: one(number[0], number[0]), found[4])

    parts, end = [], 0
    for kept in NOT_PROSE.finditer(text):
        parts += [NAMED.sub(link, text[end : kept.start()]), kept[0]]
        end = kept.end()
    return "".join([*parts, NAMED.sub(link, text[end:])])


def run(notebook: NotebookNode, folder: Path) -> None:
    """Execute every cell in one fresh kernel whose working folder is `folder`."""
    NotebookClient(notebook, timeout=CELL_TIMEOUT_S, resources={"metadata": {"path": str(folder)}}).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in code_cells(notebook):
        cell.metadata.pop("execution", None)
        cell.outputs = joined(cell.outputs)


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of stdout, which a kernel cuts as its clock will, and drop stderr."""
    kept = [output for output in outputs if output.get("name") != "stderr"]
    result = []
    for is_stdout, group in itertools.groupby(kept, lambda output: output.output_type == "stream"):
        pieces = list(group)
        if is_stdout:
            pieces[0].text = "".join(piece.text for piece in pieces)
        result += pieces[:1] if is_stdout else pieces
    return result


def keep_outputs(notebook: NotebookNode, committed: NotebookNode) -> None:
    """Give the code cells of `notebook` the outputs of the same cells in `committed`."""
    if [cell.source for cell in code_cells(notebook)] != [cell.source for cell in code_cells(committed)]:
        sys.exit("The code has changed, not only the prose: build without --prose.")
    for cell, before in zip(code_cells(notebook), code_cells(committed), strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def differences(folder: Path = HERE) -> list[str]:
    """Return one line for each way in which a committed notebook is not what its source would build."""
    told = []
    expected = {built(source): source for source in sources([], folder)}
    told += [f"{path.name}: has no source" for path in sorted(folder.glob("*.ipynb")) if path not in expected]
    for path, source in expected.items():
        if not path.exists():
            told.append(f"{path.name}: is not built")
            continue
        wanted, committed = read_source(source), nbformat.read(path, as_version=4)
        if [identity(cell) for cell in wanted.cells] != [identity(cell) for cell in committed.cells]:
            told.append(f"{path.name}: its cells are not those of {source.name}")
        if committed.metadata != wanted.metadata:
            told.append(f"{path.name}: carries metadata of its own: {sorted(committed.metadata)}")
        for number, cell in enumerate(code_cells(committed), 1):
            if cell.execution_count is None:
                told.append(f"{path.name}: code cell {number} was never run")
            if any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs):
                told.append(f"{path.name}: code cell {number} keeps a widget that no reader can open")
    return told


def identity(cell: NotebookNode) -> tuple[str, str, str, tuple[str, ...]]:
    """Return what a cell has from its source, without what running it added."""
    return cell.id, cell.cell_type, cell.source, tuple(cell.metadata.get("tags", ()))


def build(source: Path, *, prose: bool) -> None:
    """Write the notebook of `source`; with `prose`, around the outputs that it has."""
    notebook, target = read_source(source), built(source)
    if prose:
        keep_outputs(notebook, nbformat.read(target, as_version=4))
    else:
        run(notebook, HERE)
    nbformat.validate(notebook)
    nbformat.write(notebook, target)


def main() -> int:
    """Build or check, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stems", nargs="*", metavar="NN")
    parser.add_argument("--prose", action="store_true")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    if asked.check:
        told = differences()
        print("\n".join([*told, "Run `make notebooks`."] if told else ["Every notebook is what its source says."]))
        return 1 if told else 0
    os.environ.update(DSYS_LAB_VIEW="still", PYTHONHASHSEED="0", TQDM_DISABLE="1")
    for source in sources(asked.stems):
        begun_s = time.monotonic()
        try:
            build(source, prose=asked.prose)
        except CellExecutionError as error:
            print(f"{source.name}: a cell failed\n{error}")
            return 1
        print(f"{built(source).name}: {time.monotonic() - begun_s:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
