"""The import table of the design, held by walking every module's imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "textclean"

# Room -> rooms it may import. A room is a module or a folder; the longest matching name counts.
# "lazy" rooms may be imported only inside functions.
TABLE: dict[str, set[str]] = {
    "errors": set(),
    "types": {"results"},  # inside the methods of PageResult alone
    "device": {"errors"},
    "distance": {"types"},
    "cores": set(),
    "parts": {"types"},
    "memory": set(),
    "checkpoints": {"errors"},
    "surface": {"types"},
    "scales": {"types"},
    "levels": {"types"},
    "ink_map": {"types"},
    "native": {"types"},
    "options": {"errors"},
    "weights": {"errors", "nets", "checkpoints"},
    "protocols": {"types", "ink_map"},
    "regions_json": {"types", "errors"},
    "mask": {"types", "surface", "distance", "ink_map", "scales"},
    "inpaint.windows": {"types", "distance"},
    "inpaint.flat": {"types", "surface"},
    "nets": {"nets"},
    "detect": {
        "protocols", "types", "errors", "weights", "device", "nets", "mask", "native",
        "regions_json", "ink_map", "surface", "distance", "cores", "memory", "parts", "scales",
    },
    "inpaint": {
        "protocols", "types", "errors", "weights", "device", "nets", "mask", "surface", "distance",
        "parts", "inpaint.windows", "inpaint.flat",
    },
    "io": {"protocols", "types", "errors", "native"},
    "compare": {"io", "types", "errors", "native", "options", "protocols", "regions_json"},
    "verify": {"protocols", "types", "mask", "parts"},
    "cleaner": {
        "protocols", "types", "options", "errors", "mask", "inpaint.windows", "inpaint.flat",
        "native", "verify", "ink_map", "lettering", "edited", "cores", "scales",
        "levels",
    },
    "edited": {"types", "mask"},
    "lettering": {"types", "errors", "mask", "surface"},
    "layers": {"types", "errors", "native", "io"},
    "results": {"types", "errors", "native", "io", "layers", "lettering", "regions_json"},
    "batch": {
        "cleaner", "io", "options", "errors", "types", "protocols", "regions_json", "native",
        "layers", "edited", "cores", "memory",
    },
    "report": {"batch", "io", "errors", "types"},
    "training": {"nets", "types", "mask", "weights", "errors", "inpaint", "device"},
    "evaluation": {
        "nets", "types", "mask", "weights", "errors", "cleaner", "options", "inpaint", "api",
        "native", "io", "distance", "detect", "cores",
    },
    "cli": {
        "api", "batch", "training", "evaluation", "options", "cores", "errors", "types", "weights",
        "regions_json", "io", "compare", "results", "lettering", "report",
    },
}  # fmt: skip
ANYTHING = {"api", "__main__", "__init__"}  # api: everything but cli


def _room(module: str) -> str:
    """``textclean.inpaint.flat`` -> ``inpaint.flat`` when the table knows it, else ``inpaint``."""
    parts = module.split(".")[1:]
    return next(
        (".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in TABLE),
        parts[0] if parts else "__init__",
    )


def _imports(path: Path) -> set[str]:
    """Modules of ours that a file imports at run time (not under TYPE_CHECKING)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.update(_targets(node))
        stack.extend(ast.iter_child_nodes(node))
    return {name for name in found if name == "textclean" or name.startswith("textclean.")}


def _targets(node: ast.ImportFrom) -> list[str]:
    """``from textclean.io import images`` names a module; ``from textclean.types import Page``
    names a thing in one."""
    base = node.module or ""
    return [
        name if (PACKAGE.parent / (name.replace(".", "/") + ".py")).exists() else base
        for name in (f"{base}.{alias.name}" for alias in node.names)
    ]


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_table(path: Path) -> None:
    module = ".".join(("textclean", *path.relative_to(PACKAGE).with_suffix("").parts))
    module = module.removesuffix(".__init__")
    room = _room(module)
    for target in _imports(path):
        other = _room(target)
        if other in ("__init__", room) or target == "textclean":
            continue
        if room in ANYTHING:
            assert other != "cli" or room == "__main__", f"{module} imports {target}"
        else:
            allowed = TABLE[room]
            assert other in allowed or other.split(".")[0] in allowed, (
                f"{module} imports {target}: room {room!r} may import {sorted(allowed)}"
            )


def test_the_table_has_no_dead_rows() -> None:
    for room in TABLE:
        place = PACKAGE / room.replace(".", "/")
        assert place.is_dir() or place.with_suffix(".py").exists(), room


def test_nothing_prints_outside_the_command_line() -> None:
    for path in MODULES:
        if _room("textclean." + path.stem) == "cli" or "cli" in path.parts:
            continue
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ]
        assert not calls, path
