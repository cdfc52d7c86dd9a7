"""The configuration of an installation: `tongping.toml` in its state directory, overridden by TONGPING_… variables.

The only file of the project that reads the environment. Secrets are never settings: they are files with mode 0600
under the state directory (`web.server.installation` makes them).
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from evidence.errors import EvidenceError
from sessions.core.city_names import CityName
from web.server.errors import BadSettings

SERVER_FILE = "tongping.toml"
CITY_FILE = "city.toml"
# Lower-case DNS labels (RFC 1035 section 2.3.1): a domain becomes part of log origins, key names and file names.
_DOMAIN = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$"


def _checked_origin(value: str) -> str:
    """An origin as browsers write it; plain HTTP only on this machine, where browsers accept Secure cookies too."""
    parts = urlsplit(value)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or f"{parts.scheme}://{parts.netloc}" != value:
        raise ValueError("an origin is scheme://host[:port], nothing else")
    if parts.username is not None or value != value.lower():
        raise ValueError("an origin is lower case, without a user")
    if parts.scheme == "http" and host != "localhost" and not _is_loopback(host):
        raise ValueError("plain HTTP is for this machine only; put TLS in front")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _checked_address(value: str) -> str:
    if ipaddress.ip_address(value).is_unspecified:
        raise ValueError("name one address: media must not listen on all of them")
    return value


Loaded = TypeVar("Loaded", bound="Base")
Domain = Annotated[str, Field(pattern=_DOMAIN, max_length=253)]
Origin = Annotated[str, AfterValidator(_checked_origin)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Section):
    """Where a process listens. Beyond this machine there is TLS: a reverse proxy's, or its own by these two files."""

    host: str = "127.0.0.1"
    port: Port = 8000
    certificate: str = ""
    key: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Listen:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("TLS takes a certificate and its key")
        return self

    @property
    def local(self) -> str:
        """How this machine itself reaches the process."""
        host = "127.0.0.1" if _is_everywhere(self.host) else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


class SigningListen(Listen):
    port: Port = 8001


class Media(_Section):
    """The address that media workers bind, and their UDP ports, one each."""

    address: Annotated[str, AfterValidator(_checked_address)] = "127.0.0.1"
    first_port: Port = 20_000
    last_port: Port = 20_099

    @model_validator(mode="after")
    def _ordered(self) -> Media:
        if self.first_port > self.last_port:
            raise ValueError("the first port is above the last")
        return self


class Vault(_Section):
    """Objects as files, or in an S3 bucket with Object Lock (its keys: secrets/s3-access and secrets/s3-key)."""

    kind: Literal["files", "s3"] = "files"
    endpoint: str = ""
    bucket: str = ""
    tls: bool = True
    # 政府采购法 article 42: records are kept for at least 15 years from the end of the procurement.
    retention_days: Annotated[int, Field(ge=1)] = 15 * 366

    @model_validator(mode="after")
    def _complete(self) -> Vault:
        if self.kind == "s3" and not (self.endpoint and self.bucket):
            raise ValueError("an S3 vault has an endpoint and a bucket")
        return self


class Webhooks(_Section):
    """`test_networks` may be called besides the public internet, over plain HTTP too: for tests and demos, and empty
    wherever somebody else chooses a receiver's address."""

    test_networks: tuple[IPvAnyNetwork, ...] = ()


class City(_Section):
    """A city node of the agreement, and where it answers."""

    domain: Domain
    url: Origin


class Name(_Section):
    """What people call the centre's city; without one, pages show its domain."""

    zh: str
    en: str

    @model_validator(mode="after")
    def _lawful(self) -> Name:
        try:
            CityName(self.zh, self.en)
        except EvidenceError as error:
            raise ValueError(str(error)) from error
        return self


class Base(BaseSettings):
    """What an installation of either kind has."""

    model_config = SettingsConfigDict(
        env_prefix="TONGPING_", env_nested_delimiter="__", extra="forbid", frozen=True, env_file=None
    )

    state: Path
    domain: Domain
    operator: Annotated[str, Field(min_length=1, max_length=200)]
    name: Name | None = None

    @property
    def city(self) -> CityName | None:
        """The name as the public file and the agreement say it."""
        return None if self.name is None else CityName(self.name.zh, self.name.en)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class Settings(Base):
    """The main server's."""

    public_origin: Origin = "http://127.0.0.1:8000"
    web: Listen = Listen()
    signing: SigningListen = SigningListen()
    media: Media = Media()
    vault: Vault = Vault()
    webhooks: Webhooks = Webhooks()
    node: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")] = "web-1"
    """This web process's name in the ledger: one that starts again under its name takes its own logs over at once."""
    database: str = ""
    """A SQLAlchemy URL; empty: SQLite in the state directory."""
    database_owner: str = ""
    """The URL of the role that owns the tables, for `init` only: the processes have no right to alter them."""
    cities: tuple[City, ...] = ()


class CitySettings(Base):
    """A city node's."""

    listen: Listen = Listen(port=8100)
    main_url: Origin = "http://127.0.0.1:8000"
    """The main server's public origin: whose logs are pulled, and the audience of this node's tokens."""


def state_directory(given: Path | None) -> Path:
    """The state directory: what the command line says, else TONGPING_STATE, else ./state."""
    return (given or Path(os.environ.get("TONGPING_STATE", "state"))).absolute()


def load_settings(state: Path) -> Settings:
    """The main server's settings, or BadSettings with every reason."""
    return _load(Settings, state, SERVER_FILE)


def load_city_settings(state: Path) -> CitySettings:
    return _load(CitySettings, state, CITY_FILE)


def _load(kind: type[Loaded], state: Path, file: str) -> Loaded:
    path = state / file
    if not path.is_file():
        raise BadSettings(f"{path} is missing: run `init` first")
    config = SettingsConfigDict(**{**kind.model_config, "toml_file": path})
    placed: type[Loaded] = type(kind.__name__, (kind,), {"model_config": config, "__module__": kind.__module__})
    try:
        return placed(state=state)  # type: ignore[call-arg]
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadSettings(f"{path}: {reasons}") from error
    except (SettingsError, ValueError) as error:
        raise BadSettings(f"{path}: {error}") from error
