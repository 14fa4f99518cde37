"""The image that mybinder.org would build, built here without a container engine, opens the start page.

`repo2docker --no-build --debug` prints the Dockerfile that Binder would run for our files. What stands before its
comment "The rest of the environment" makes Ubuntu and a conda environment from a lock, which cannot be had here: the
same versions from wheels stand for it. Every step after it is carried out as printed, in a folder and an environment
of the test's own.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
START_PAGE = "00_start_here"
CONDA_LOCK = ["jupyterlab==4.4.9", "ipywidgets==8.1.7", "ipykernel==7.0.1", "notebook==7.4.7"]
STEPS_BEGIN = "# The rest of the environment"
NOT_OF_THE_REPOSITORY = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")


def printed_dockerfile() -> str:
    """Return what repo2docker would have Docker do."""
    told = subprocess.run([sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)], check=True,
                          capture_output=True, encoding="utf-8")
    return told.stdout + told.stderr


def steps(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions that concern our files, in order: ("COPY", what) and ("RUN", command)."""
    ours = dockerfile.partition(STEPS_BEGIN)[2]
    for instruction, rest in re.findall(r"^(COPY|RUN) (.*)$", ours, flags=re.MULTILINE):
        if instruction == "RUN":
            yield instruction, rest
        elif copied := re.search(r" src/(\S*) ", rest):
            yield instruction, copied[1]


def copy(what: str, target: Path) -> None:
    """Carry out `COPY src/what`: one file, or with an empty `what` the repository."""
    if what:
        (target / what).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / what, target / what)
    else:
        shutil.copytree(ROOT, target, ignore=NOT_OF_THE_REPOSITORY, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return printed_dockerfile()


@pytest.fixture(scope="module")
def image(dockerfile: str, find_python: Callable, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The repository and the environment as the image would hold them."""
    wanted = re.search(r"environment-2epy-2d3-2e(\d+)-", dockerfile)
    assert wanted, "repo2docker names the lock of its environment differently now"
    as_in_the_image = find_python(f"3.{wanted[1]}")
    uv = [sys.executable, "-m", "uv"]
    folder = tmp_path_factory.mktemp("image")
    environment, repository = folder / "environment", folder / "repository"
    subprocess.run([*uv, "venv", "--quiet", "--seed", "--python", as_in_the_image, str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    subprocess.run([*install, *CONDA_LOCK], check=True)
    repository.mkdir()
    variables = {"REPO_DIR": str(repository), "KERNEL_PYTHON_PREFIX": str(environment),
                 "NB_PYTHON_PREFIX": str(environment), "PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}
    for instruction, what in steps(dockerfile):
        if instruction == "COPY":
            copy(what, repository)
        else:
            done = subprocess.run(["bash", "-c", what], cwd=repository, env=os.environ | variables, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
            assert done.returncode == 0, f"{what}\n{done.stdout}"
    return repository, python


def test_binder_takes_the_python_that_runtime_txt_names(dockerfile: str) -> None:
    asked = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip()
    assert f"environment-2e{asked.replace('python', 'py').replace('-', '-2d').replace('.', '-2e')}-" in dockerfile


def test_a_new_commit_reinstalls_the_suite_and_not_what_it_needs(dockerfile: str) -> None:
    carried_out = list(steps(dockerfile))
    assert carried_out[0] == ("COPY", "binder/requirements.txt")
    assert carried_out[2] == ("COPY", ""), "the requirements are installed before the repository is copied"


@pytest.mark.slow
def test_what_binder_brought_stays_and_nothing_is_missing(image: tuple[Path, Path]) -> None:
    _, python = image
    told = subprocess.run([str(python), "-m", "pip", "list", "--format=freeze"], check=True, capture_output=True,
                          encoding="utf-8").stdout.splitlines()
    assert set(CONDA_LOCK) <= set(told)
    assert not [line for line in told if line.startswith("rfc3987-syntax")]
    checked = subprocess.run([str(python), "-m", "pip", "check"], check=False, capture_output=True, encoding="utf-8")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
@pytest.mark.browser
def test_the_start_page_runs_in_the_jupyterlab_that_binder_brings(
        image: tuple[Path, Path], start_lab: Callable, open_notebook: Callable) -> None:
    repository, python = image
    server = start_lab(python, repository)
    notebook = open_notebook(START_PAGE, server=server)
    notebook.run_all()
    assert notebook.console_errors == []
