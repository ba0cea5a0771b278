"""The wheel works from an empty environment, outside the checkout, with the network unreachable."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CLEAN = """
import pathlib, socket, sys

def refuse(*args, **kwargs):
    raise OSError("the network is unreachable")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.create_connection = socket.getaddrinfo = refuse

import textclean
here = pathlib.Path(textclean.__file__).resolve()
assert "checkout" not in str(here) and here.is_relative_to(sys.argv[1]), here
result = textclean.clean_page(sys.argv[2])
assert result.changed and not result.residual
print(len(result.regions), "regions")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_holds_the_package_its_data_and_the_models(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = {
        str(path.relative_to(ROOT)).replace(os.sep, "/")
        for path in (ROOT / "textclean").rglob("*.py")
    }
    assert tracked <= names
    assert {"textclean/py.typed", "textclean/regions.schema.json"} <= names
    models = {path.name for path in (ROOT / "models").iterdir()}
    assert {f"textclean/models/{name}" for name in models} <= names
    assert not [name for name in names if name.startswith(("tests/", "samples/"))]


def test_a_page_is_cleaned_offline_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # what pip does with a pure wheel
    # Dependencies come from this environment; the package under test must not.
    dependencies = sysconfig.get_path("purelib")
    (Path(site) / "dependencies.pth").write_text(dependencies)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TEXTCLEAN_OFFLINE": "1",
        "PYTHONNOUSERSITE": "1",
    }
    command = [str(python), "-c", CLEAN, str(home), str(ROOT / "samples" / "comic-en.png")]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "9 regions" in done.stdout
