"""The state directory: what lies where, who may read it, and the files that centres exchange.

tongping.toml            settings (or city.toml)
secrets/                 0700; each file 0600: master.key, administrator.token, signing.token
public/centre.json       what the other parties need of this centre: handed over once, checked in person
policy/                  tlog-policy and trust.json, made by `trust` from the parties' public files
data/                    database, vault, keys (sealed), preparations, pages, spool
signing/                 the signing service's own keys and register
run/, log/               process ids, sockets, wanted media workers; what the processes say
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evidence.core.act import public_key
from evidence.core.canonical import Object, decode_object, encode, members, unb64
from evidence.core.note import VerifierKey
from evidence.core.policy import Policy
from evidence.errors import EvidenceError
from sessions.core.city_names import CityName, check_apart
from web.server.errors import BadSettings

# 256 bits: a token that is looked up by its hash needs no slow hash.
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths under one state directory."""

    state: Path

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def public(self) -> Path:
        return self.state / "public" / "centre.json"

    @property
    def policy(self) -> Path:
        return self.state / "policy"

    @property
    def data(self) -> Path:
        return self.state / "data"

    @property
    def signing(self) -> Path:
        return self.state / "signing"

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def log(self) -> Path:
        return self.state / "log"

    def make(self) -> None:
        """Every folder, for this user only."""
        for folder in (self.state, self.secrets, self.public.parent, self.policy, self.data, self.run, self.log):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def ensure_token(path: Path) -> str:
    """The token in `path`; a new one where there is none."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(TOKEN_BYTES).encode())
    return read_private(path).decode().strip()


def write_private(path: Path, data: bytes) -> None:
    """A new file with mode 0600, durable when this returns; an existing one is never overwritten."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.link(part, path)
    part.unlink()


def read_private(path: Path) -> bytes:
    """A secret that nobody else can read, or BadSettings."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise BadSettings(f"{path} is missing: run `init` first") from error
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid():
        raise BadSettings(f"{path} must belong to this user, with mode 0600")
    return path.read_bytes()


@dataclass(frozen=True, slots=True)
class Party:
    """A centre's public file: a city with a node has `witness` and `url`, the main centre `log` and `ca_roots`."""

    domain: str
    operator: str
    jwk: Object
    url: str
    witness: str | None = None
    log: str | None = None
    ca_roots: tuple[str, ...] = ()
    name: CityName | None = None

    def write(self, path: Path) -> None:
        value: Object = {
            "v": 1,
            "domain": self.domain,
            "operator": self.operator,
            "jwk": self.jwk,
            "url": self.url,
            "ca_roots": list(self.ca_roots),
        }
        value |= {name: key for name, key in (("witness", self.witness), ("log", self.log)) if key is not None}
        if self.name is not None:
            value["name"] = self.name.json
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(value) + b"\n")

    @staticmethod
    def read(path: Path) -> Party:
        """Read a public file strictly; its keys are parsed."""
        try:
            value = members(
                decode_object(path.read_bytes().strip()),
                {"v": int, "domain": str, "operator": str, "jwk": dict, "url": str, "ca_roots": list},
                {"witness": str, "log": str, "name": dict},
            )
            city = CityName.parse(value["name"]) if "name" in value else None
            public_key(value["jwk"])
            for name in value.keys() & {"witness", "log"}:
                VerifierKey.parse(value[name])
            for root in value["ca_roots"]:
                unb64(root)
        except (OSError, EvidenceError) as error:
            raise BadSettings(f"{path}: {error}") from error
        return Party(
            value["domain"],
            value["operator"],
            value["jwk"],
            value["url"],
            value.get("witness"),
            value.get("log"),
            tuple(value["ca_roots"]),
            city,
        )


def write_trust(folder: Path, *, main: Party, cities: Sequence[Party], quorum: int, holder_k: int, f: int) -> None:
    """tlog-policy and trust.json (protocol.md section 9): the same octets for every party of the agreement."""
    if main.log is None or not main.ca_roots or any(city.witness is None for city in cities):
        raise BadSettings("the main centre brings its log key and root certificate, every city its witness key")
    if len({party.domain for party in (main, *cities)}) != len(cities) + 1:
        raise BadSettings("two parties have one domain")
    try:
        check_apart(party.name for party in (main, *cities) if party.name is not None)
    except EvidenceError as error:
        raise BadSettings(str(error)) from error
    if not 1 <= holder_k <= len(cities) or not 0 <= f < quorum:
        raise BadSettings("k of the holders or f of the witnesses cannot be")
    witnesses = tuple(VerifierKey.parse(city.witness or "") for city in cities)
    policy = str(Policy(VerifierKey.parse(main.log), witnesses, quorum))
    Policy.parse(policy)
    trust: Object = {
        "v": 1,
        "main": main.domain,
        "centres": [
            {"domain": party.domain, "operator": party.operator, "jwk": party.jwk}
            | ({} if party.name is None else {"name": party.name.json})
            for party in (main, *cities)
        ],
        "ca_roots": list(main.ca_roots),
        "holder_k": holder_k,
        "f": f,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tlog-policy").write_text(policy)
    (folder / "trust.json").write_bytes(encode(trust))


def write_toml(path: Path, values: Mapping[str, object], tables: Mapping[str, Sequence[Mapping[str, object]]]) -> None:
    """Settings as TOML; strings and integers only, which TOML writes as JSON does. Never over an existing file."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    for table, rows in tables.items():
        for row in rows:
            lines += ["", f"[[{table}]]"]
            lines += [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in row.items()]
    with path.open("x") as file:
        file.write("\n".join(lines) + "\n")
