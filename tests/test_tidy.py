"""What no linter checks: names, sizes, the shape of every lab, and that the README's map is the territory."""
from __future__ import annotations

import ast
import importlib.util
import re
import statistics
import subprocess
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "dsys_lab").rglob("*.py"))
SCRIPTS = sorted((ROOT / "dsys_lab").rglob("*.js"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
LABS = [path for path in NOTEBOOKS if path.stem != "00_start_here"]

DUMPING_GROUNDS = {"utils", "helpers", "common", "misc", "base", "core", "manager"}
LINES_MAX = 400
CELL_LINES_MAX, CELL_LINES_MEDIAN_MAX, CELL_COLUMNS_MAX = 20, 4, 88
DIAGRAM_COLUMNS_MAX = 92
CHARTS_OF_NUMBERS = {"against_law", "bars", "lines"}
FENCE = re.compile(r"^```\w*\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
BEATS = ["Question", "The notes say", "Picture", "By hand", "Look inside", "Predict", "Play", "Break it", "Measure",
         "On real data", "Choose", "Exercises", "Sources"]
NOT_IN_EVERY_LAB = {"On real data"}
CALLS_AT_LEAST = {"predict": 3, "player": 1, "show_source": 1, "exercise": 3}
MAP_ROW = re.compile(r"^\| `(\d\d_\w+)` \| (.+?) \| (.+?) \| (.+?) \| (built|planned) \|$", flags=re.MULTILINE)
BINDER_MARKS = re.compile(r"<!-- binder -->(.*?)<!-- /binder -->", flags=re.DOTALL)
PUBLISHED_AT = re.compile(r"https://mybinder\.org/v2/gh/[^?]+")


def committed() -> list[Path]:
    """Return every file that is committed; outside a checkout there is nothing to ask."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def cells(notebook: Path, kind: str) -> list[str]:
    """Return the sources of a notebook's cells of one kind."""
    return [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == kind]


def quoted_headings(notebook: Path) -> list[str]:
    """Return the headings of the notes that a notebook quotes, each by a call `notes("...")`."""
    return [node.args[0].value for source in cells(notebook, "code") for node in ast.walk(syntax(source))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "notes"]


def syntax(source: str) -> ast.Module:
    """Parse a cell without its magics."""
    return ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE))


# --------------------------------------------------------------------------------------------------------------- files

def test_no_file_is_a_dumping_ground() -> None:
    assert [path for path in committed() if path.stem.lower() in DUMPING_GROUNDS] == []


def test_no_file_names_a_machine_or_an_index() -> None:
    foreign = re.compile(rb"(?<![\w.~}])/(work|root|home/\w+|Users/\w+)/|/opt/|pythonhosted|pypi\.org/simple")
    found = {path.name: foreign.search(path.read_bytes()) for path in committed() if path != Path(__file__).resolve()}
    assert {name: match[0] for name, match in found.items() if match} == {}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_holds_one_idea(script: Path) -> None:
    source = script.read_text(encoding="utf-8")
    assert source.startswith("//"), "the first thing in a script is its chapter"
    assert len(source.splitlines()) <= LINES_MAX, "do two ideas live here?"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_holds_one_idea(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), "the first thing in a module is its chapter"
    assert len(source.splitlines()) <= LINES_MAX, "do two ideas live here?"


# ----------------------------------------------------------------------------------------------------------- notebooks

@pytest.mark.parametrize("lab", LABS, ids=lambda path: path.stem)
def test_a_lab_has_its_beats_in_order(lab: Path) -> None:
    headings = re.findall(r"^## +(.+?) *$", "\n".join(cells(lab, "markdown")), flags=re.MULTILINE)
    assert [beat for beat in headings if beat in BEATS] == headings, "a second-level heading is a beat"
    assert headings == [beat for beat in BEATS if beat in headings or beat not in NOT_IN_EVERY_LAB]


@pytest.mark.parametrize("lab", LABS, ids=lambda path: path.stem)
def test_a_lab_asks_shows_and_checks(lab: Path) -> None:
    called = [node.func.id for source in cells(lab, "code") for node in ast.walk(syntax(source))
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    short = {name: called.count(name) for name, least in CALLS_AT_LEAST.items() if called.count(name) < least}
    assert short == {}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_diagram_in_text_is_no_wider_than_a_page(notebook: Path) -> None:
    fences = [fence for source in cells(notebook, "markdown") for fence in FENCE.findall(source)]
    assert [line for fence in fences for line in fence.splitlines() if len(line) > DIAGRAM_COLUMNS_MAX] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_small_and_hold_calls_and_parameters_only(notebook: Path) -> None:
    sources = cells(notebook, "code")
    lengths = [len(source.splitlines()) for source in sources]
    assert max(lengths) <= CELL_LINES_MAX
    assert statistics.median(lengths) <= CELL_LINES_MEDIAN_MAX
    assert [line for source in sources for line in source.splitlines() if len(line) > CELL_COLUMNS_MAX] == []
    for node in (node for source in sources for node in ast.walk(syntax(source))):
        assert not isinstance(node, ast.ClassDef), "a class belongs to the package"
        imported = [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]
        imported.append(getattr(node, "module", None) or "")
        assert not [name for name in imported if name.startswith("matplotlib")], "a chart belongs to views/charts"
        name = getattr(node, "attr", None) or getattr(node, "id", "")
        assert not re.match("_[a-z]", name), f"{name} is private to its module"
        assert name != "path" or ast.unparse(node) != "sys.path", "the package is installed"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chart_says_what_it_shows(notebook: Path) -> None:
    nodes = [node for source in cells(notebook, "code") for node in ast.walk(syntax(source))]
    with_title = {target.id for node in nodes if isinstance(node, ast.Assign) for target in node.targets
                  if isinstance(target, ast.Name) and '"title":' in ast.unparse(node).replace("'", '"')}
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"charts.{name}" for name in CHARTS_OF_NUMBERS}:
            titles = [keyword for keyword in node.keywords if keyword.arg == "title"
                      or (keyword.arg is None and ast.unparse(keyword.value) in with_title)]
            assert [one for one in titles if ast.unparse(one.value) != "''"], f"{ast.unparse(node)}: give a title"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_fence_stands_alone_on_its_line(notebook: Path) -> None:
    for source in cells(notebook, "markdown"):
        fences = [line.strip() for line in source.splitlines() if "```" in line]
        assert [fence for fence in fences if not re.fullmatch(r"```\w*", fence)] == []
        assert [bool(fence[3:]) for fence in fences] == [True, False] * (len(fences) // 2), "opened by a word, closed"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_revealed_was_counted_and_not_typed(notebook: Path) -> None:
    typed = []
    for node in (node for source in cells(notebook, "code") for node in ast.walk(syntax(source))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reveal":
            truth = node.args[0]
            typed += [] if any(isinstance(part, ast.Name) for part in ast.walk(truth)) else [ast.unparse(truth)]
    assert typed == []


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The script that makes notebooks from their sources."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "notebooks" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_notebook_is_what_its_source_says(build: ModuleType) -> None:
    assert build.differences() == []


def test_the_comparison_finds_what_differs(build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    source = tmp_path / "src" / "01_sample.py"
    source.write_text("# %% [markdown]\n# # Sample\n\n# %%\n1 + 1\n", encoding="utf-8")
    assert build.differences(tmp_path) == ["01_sample.ipynb: is not built"]

    notebook = build.read_source(source)
    nbformat.write(notebook, build.built(source))
    assert build.differences(tmp_path) == ["01_sample.ipynb: code cell 1 was never run"]

    notebook.cells[1].execution_count = 1
    nbformat.write(notebook, build.built(source))
    assert build.differences(tmp_path) == []

    notebook.cells[1].outputs = [nbformat.v4.new_output("display_data", {build.WIDGET_VIEW: {"model_id": "gone"}})]
    notebook.metadata["widgets"] = {}
    nbformat.write(notebook, build.built(source))
    assert [line.split(": ")[1].split()[0] for line in build.differences(tmp_path)] == ["carries", "code"]

    source.write_text("# %%\n1 + 2\n", encoding="utf-8")
    assert "01_sample.ipynb: its cells are not those of 01_sample.py" in build.differences(tmp_path)
    source.unlink()
    assert build.differences(tmp_path) == ["01_sample.ipynb: has no source"]


@pytest.mark.parametrize(("prose", "linked"), [
    ("a queue (lab 16).", "a queue ([lab 16](16_q.ipynb))."),
    ("labs 16, 17 and 18", "labs [16](16_q.ipynb), 17 and [18](18_s.ipynb)"),
    ("a line that ends in lab\n18; Lab 16", "a line that ends in [lab\n18](18_s.ipynb); [Lab 16](16_q.ipynb)"),
    ("## Of lab 16\n`lab 16` and [the lab 16](x)", "## Of lab 16\n`lab 16` and [the lab 16](x)"),
    ("```text\nlab 16\n```\nno lab 160, no slab 16", "```text\nlab 16\n```\nno lab 160, no slab 16"),
])  # fmt: skip
def test_a_lab_that_prose_names_is_a_link(build: ModuleType, prose: str, linked: str) -> None:
    assert build.with_links(prose, {"16": "16_q.ipynb", "18": "18_s.ipynb"}) == linked


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_lab_that_it_names_is_a_link_that_leads_to_a_notebook(notebook: Path) -> None:
    prose = "\n".join(cells(notebook, "markdown"))
    others = {path.name for path in NOTEBOOKS} - {notebook.name}
    assert set(re.findall(r"\]\((\d\d_\w+\.ipynb)\)", prose)) <= others
    prose = re.sub(r"\[[^]]*\]\([^)]*\)|`[^`]*`", "", prose)
    assert re.findall(r"\b[Ll]abs?\s\d\d", prose) == []


def test_new_prose_keeps_outputs_and_new_code_does_not(build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    source = tmp_path / "src" / "01_sample.py"
    source.write_text("# %% [markdown]\n# # Before\n\n# %%\n1 + 1\n", encoding="utf-8")
    ran = build.read_source(source)
    ran.cells[1].execution_count = 1
    ran.cells[1].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    nbformat.write(ran, build.built(source))

    source.write_text("# %% [markdown]\n# # After\n\n# %%\n1 + 1\n", encoding="utf-8")
    build.build(source, prose=True)
    after = nbformat.read(build.built(source), as_version=4)
    assert (after.cells[0].source, after.cells[1].outputs) == ("# After", ran.cells[1].outputs)

    source.write_text("# %%\n1 + 2\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="code has changed"):
        build.build(source, prose=True)


# -------------------------------------------------------------------------------------------------------------- README

def test_the_map_names_every_lab_once_and_says_which_are_built() -> None:
    rows = MAP_ROW.findall(README)
    assert [row[0][:2] for row in rows] == [f"{number:02d}" for number in range(27)]
    assert [row[0] for row in rows if row[4] == "built"] == [path.stem for path in NOTEBOOKS]


BUILT = [row[:4] for row in MAP_ROW.findall(README) if row[4] == "built"]


@pytest.mark.parametrize(("stem", "heading", "rooms", "engines"), BUILT, ids=[row[0] for row in BUILT])
def test_a_built_lab_stands_on_what_the_map_says(stem: str, heading: str, rooms: str, engines: str) -> None:
    package = ROOT / "dsys_lab"
    files = [*re.findall(r"`(.+?)`", rooms), *(f"engines/{name}" for name in re.findall(r"`(.+?)`", engines))]
    if stem != "00_start_here":
        files.append(f"scenarios/{stem[3:]}")
        assert heading in quoted_headings(ROOT / "notebooks" / f"{stem}.ipynb")
    missing = [name for name in files if not ((package / name).is_dir() or (package / f"{name}.py").is_file())]
    assert missing == []


def test_every_link_to_binder_comes_from_one_setting() -> None:
    published_at = PUBLISHED_AT.findall(BINDER_MARKS.search(README)[1])
    for source in sorted((ROOT / "notebooks" / "src").glob("*.py")):
        marked = BINDER_MARKS.search(source.read_text(encoding="utf-8"))
        assert marked, f"{source.name} has no place for its link: <!-- binder --><!-- /binder -->"
        assert PUBLISHED_AT.findall(marked[1]) == published_at, "run `make links` again"
        assert not published_at or f"notebooks/{source.stem}.ipynb)" in marked[1]
