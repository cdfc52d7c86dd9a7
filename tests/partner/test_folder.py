"""What the program of a partner city reads in its folder while other people write there."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.partner_sim.folder import THUMBPRINT_LETTERS, Folder

WHOLE = "n" * THUMBPRINT_LETTERS


@pytest.mark.parametrize("written", [None, "", "\n", WHOLE[:-1]])
def test_a_device_is_vouched_for_when_its_file_is_whole(tmp_path: Path, written: str | None) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "devices").mkdir()
    if written is not None:
        (tmp_path / "devices" / "seat-2").write_text(written)
    assert folder.thumbprint("seat-2") is None
    (tmp_path / "devices" / "seat-2").write_text(WHOLE + "\n")
    assert folder.thumbprint("seat-2") == WHOLE
