"""A page replaces an earlier page and nothing else, and a full disk leaves nothing of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ratoon.pages.html import write

PAGE = "<!DOCTYPE html>\n<p>a page</p>"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize("content", [b"model: m\ntask: binary\n", b"PAR1\x00\x01", b"", b"# <html"])
def test_a_file_that_is_no_page_stays(tmp_path: Path, content: bytes) -> None:
    """`ratoon report spec.yaml --out spec.yaml`."""
    file = tmp_path / "spec.yaml"
    file.write_bytes(content)
    with pytest.raises(FileExistsError, match="no page"):
        write(PAGE, file)
    assert file.read_bytes() == content
    assert names(tmp_path) == ["spec.yaml"]


def test_nor_is_a_folder_a_pipe_or_a_device_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/null")
    for name in ("pipe", "folder", "device"):
        with pytest.raises(FileExistsError):
            write(PAGE, tmp_path / name)
    assert names(tmp_path) == ["device", "folder", "pipe"]


def test_an_earlier_page_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.html"
    for text in (PAGE, "\n<html>later</html>", PAGE):
        write(text, file)
        assert file.read_text() == text
    assert names(file.parent) == ["report.html"]


def test_a_link_under_the_name_of_a_half_page_is_not_written_through(tmp_path: Path) -> None:
    """In a folder that users share, such as /tmp, anybody may put one there."""
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    (tmp_path / "report.html.half").symlink_to(victim)
    write(PAGE, tmp_path / "report.html")
    assert victim.read_text() == "theirs"


def test_a_full_disk_leaves_the_earlier_page_and_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.html"
    write(PAGE, file)

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write("<html>new</html>", file)
    assert file.read_text() == PAGE
    assert names(tmp_path) == ["report.html"]
