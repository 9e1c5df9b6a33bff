"""The rooms of the integration: each knows only those below it, and no file is in a circle."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

INTEGRATION = Path(__file__).parents[1] / "custom_components" / "mbus"

ROOMS = (
    "protocol",
    "profiles",
    "meters",
    "presentation",
    "history",
    "polling",
    "flows",
    "actions",
)
"""From the lowest to the highest; above them are the files that Home Assistant looks for."""
PROTOCOL_ROOMS = ("", "tables", "coding", "line", "application", "master")
"""The same within `protocol`; its ground is what lies in no room."""

FILES = sorted(
    path.relative_to(INTEGRATION).with_suffix("").as_posix()
    for path in INTEGRATION.rglob("*.py")
)


def _imports(file: str) -> set[str]:
    """Return the files of the integration that one imports, under TYPE_CHECKING and in functions, too."""
    imported = set()
    folder = file.split("/")[:-1]
    for node in ast.walk(ast.parse((INTEGRATION / f"{file}.py").read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = folder[: len(folder) - node.level + 1]
        base += node.module.split(".") if node.module else []
        for name in node.names:
            for parts in ([*base, name.name], base, [*base, "__init__"]):
                if (path := "/".join(parts)) in FILES:
                    imported.add(path)
                    break
    return imported - {file}


IMPORTS = {file: _imports(file) for file in FILES}


def _room(file: str) -> str:
    return file.split("/", maxsplit=1)[0] if "/" in file else ""


@pytest.mark.parametrize("file", [file for file in FILES if _room(file)])
def test_rooms_know_only_those_below(file: str) -> None:
    """No import runs up, not even one for types; of the files above the rooms, only the constants are for all."""
    height = ROOMS.index(_room(file))
    for imported in IMPORTS[file]:
        if not _room(imported):
            assert imported == "const"
            assert _room(file) != "protocol"
        else:
            assert ROOMS.index(_room(imported)) <= height, f"{file} → {imported}"


@pytest.mark.parametrize("file", [file for file in FILES if _room(file) == "protocol"])
def test_rooms_of_the_protocol(file: str) -> None:
    """The same within the protocol, whose surface nothing inside it uses."""
    if file == "protocol/__init__":
        return

    def height(path: str) -> int:
        _, *room, _ = path.split("/")
        return PROTOCOL_ROOMS.index("/".join(room))

    for imported in IMPORTS[file]:
        assert imported != "protocol/__init__"
        assert height(imported) <= height(file), f"{file} → {imported}"


@pytest.mark.parametrize("file", [file for file in FILES if _room(file) != "protocol"])
def test_protocol_is_used_by_its_surface(file: str) -> None:
    """What is not in `__all__` of the protocol is nobody else's business."""
    within = {path for path in IMPORTS[file] if _room(path) == "protocol"}
    assert within <= {"protocol/__init__"}


def test_nothing_is_imported_by_another_way() -> None:
    """An import that is not relative would not be seen here, nor would the protocol stand on its own."""
    for file in FILES:
        for node in ast.walk(ast.parse((INTEGRATION / f"{file}.py").read_text())):
            names: list[str | None] = []
            if isinstance(node, ast.Import):
                names = [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            elif isinstance(node, ast.Name):
                names = [node.id]
            roots = {name.split(".")[0] for name in names if name}
            assert not roots & {"custom_components", "importlib", "__import__"}, file


def test_no_circles() -> None:
    """Files can be read one after the other, from the lowest on."""
    try:
        order = [*TopologicalSorter(IMPORTS).static_order()]
    except CycleError as err:
        pytest.fail(f"in a circle: {' → '.join(err.args[1])}")
    assert len(order) == len(FILES)
    assert len(order) > 80


def test_the_check_sees_imports() -> None:
    """It would be of no use if it read none."""
    assert "meters/evaluation" in IMPORTS["polling/coordinator"]
    assert "protocol/__init__" in IMPORTS["polling/coordinator"]
    assert "protocol/line/frame" in IMPORTS["protocol/application/telegram"]


def test_sizes() -> None:
    """A file is one idea, and so is a class."""
    for file in FILES:
        text = (INTEGRATION / f"{file}.py").read_text()
        assert text.count("\n") <= 400, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                methods = [
                    item
                    for item in node.body
                    if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
                ]
                assert len(methods) <= 18, f"{file}: {node.name}"
