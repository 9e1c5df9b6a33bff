"""The demo says what it can't do, before it starts anything."""

from pathlib import Path
import socket
import subprocess

import pytest

DEMO = Path(__file__).parent.parent / "scripts" / "demo"


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DEMO, "--once", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.usefixtures("socket_enabled")
def test_port_in_use() -> None:
    """Another one is asked for."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = _run("--port", str(port))

    assert demo.returncode == 1
    assert f"port {port} can't be used" in demo.stderr
    assert "Traceback" not in demo.stderr


@pytest.mark.parametrize(
    "content", [None, "not JSON", '{"kind": "error", "hex": "00"}'], ids=str
)
def test_unusable_frames(tmp_path: Path, content: str | None) -> None:
    """The file is named."""
    file = tmp_path / "frames.jsonl"
    if content is not None:
        file.write_text(content)

    demo = _run("--port", "0", "--frames", file)

    assert demo.returncode == 1
    assert str(file) in demo.stderr
    assert "Traceback" not in demo.stderr
