"""Configurations that must not start (reliability report row 41)."""

from __future__ import annotations

from pathlib import Path

import pytest

from web.server.errors import BadSettings
from web.server.installation import Layout, Party, ensure_token, read_private, write_toml
from web.server.settings import CITY_FILE, SERVER_FILE, load_city_settings, load_settings

GOOD: dict[str, object] = {"domain": "hohhot.example", "operator": "呼和浩特", "public_origin": "https://pb.example"}


def settings_of(folder: Path, **values: object) -> Path:
    write_toml(folder / SERVER_FILE, GOOD | values, {})
    return folder


def test_a_written_file_is_read_back_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toml(
        tmp_path / SERVER_FILE,
        GOOD | {"web.port": 9000},
        {"cities": [{"domain": "zhuhai.example", "url": "http://127.0.0.1:9100"}]},
    )
    monkeypatch.setenv("TONGPING_WEB__PORT", "9001")
    settings = load_settings(tmp_path)
    assert (settings.operator, settings.web.port) == ("呼和浩特", 9001)
    assert settings.cities[0].domain == "zhuhai.example"


@pytest.mark.parametrize(
    "values",
    [
        {"public_origin": "http://pb.example"},
        {"public_origin": "https://pb.example/"},
        {"public_origin": "https://PB.example"},
        {"public_origin": "https://user@pb.example"},
        {"public_origin": "ftp://pb.example"},
        {"public_origin": "pb.example"},
        {"public_origin": ""},
        {"domain": "hohhot"},
        {"domain": "Hohhot.example"},
        {"domain": "../hohhot.example"},
        {"domain": ""},
        {"operator": ""},
        {"web.port": 0},
        {"web.port": 70000},
        {"media.address": "0.0.0.0"},
        {"media.address": "::"},
        {"media.address": "localhost"},
        {"media.first_port": 30000, "media.last_port": 20000},
        {"vault.kind": "s3"},
        {"vault.kind": "ftp"},
        {"vault.retention_days": 0},
        {"name.zh": "呼和浩特"},
        {"name.zh": "Hohhot", "name.en": "Hohhot"},
        {"name.zh": "呼和浩特", "name.en": "Hoh\u202ehot"},
        {"unknown": 1},
        {"web.unknown": 1},
    ],
)
def test_a_bad_configuration_is_refused(tmp_path: Path, values: dict[str, object]) -> None:
    with pytest.raises(BadSettings):
        load_settings(settings_of(tmp_path, **values))


def test_no_file_broken_toml_and_bad_environment_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSettings):
        load_settings(tmp_path)
    (tmp_path / SERVER_FILE).write_text("domain = ")
    with pytest.raises(BadSettings):
        load_settings(tmp_path)
    (tmp_path / CITY_FILE).write_text('domain = "zhuhai.example"\noperator = "x"\n')
    monkeypatch.setenv("TONGPING_MAIN_URL", "http://evil.example")
    with pytest.raises(BadSettings):
        load_city_settings(tmp_path)


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "administrator.token"
    token = ensure_token(path)
    assert ensure_token(path) == token
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(BadSettings):
        read_private(path)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"v":1}', "\ufeff{}"])
def test_a_public_file_out_of_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "centre.json"
    path.write_text(text)
    with pytest.raises(BadSettings):
        Party.read(path)


def test_the_state_directory_is_for_this_user_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    layout.make()
    for folder in (layout.state, layout.secrets, layout.data, layout.run, layout.log):
        assert folder.stat().st_mode & 0o777 == 0o700
