"""Where the processes are put together: the only file that names adapters."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from evidence.adapters import envelope_p256
from evidence.core.canonical import b64
from media.worker import run_worker
from sessions.adapters.keyring_files import FileKeyring
from sessions.adapters.node_source import HttpLogSource
from sessions.adapters.node_store import FileNodeStore
from sessions.node import CityNode
from sessions.node_keys import NodeKeys
from sessions.node_trust import Pins
from signing.adapters.certificate_authority import ensure_authority, open_authority
from signing.adapters.master_key import ensure_master_key, read_master_key
from signing.adapters.sealed_keys import SealedKeyStore
from signing.adapters.sqlite_register import SqliteRegister
from signing.service import SigningService
from web.city.app import create_city_app
from web.server.errors import BadSettings
from web.server.installation import Layout, Party, ensure_token, read_private
from web.server.settings import CitySettings, Settings
from web.server.workers import Worker
from web.signing.app import create_signing_app

MASTER_KEY, ADMINISTRATOR_TOKEN, SIGNING_TOKEN, OPERATOR_TOKEN = (
    "master.key",
    "administrator.token",
    "signing.token",
    "operator.token",
)
POLICY, TRUST = "tlog-policy", "trust.json"


def now() -> datetime:
    return datetime.now(UTC)


def initialise_centre(settings: Settings) -> Party:
    """Make what a main centre needs and does not have yet; returns what the other parties get."""
    layout = Layout(settings.state)
    layout.make()
    master = ensure_master_key(layout.secrets / MASTER_KEY)
    for token in (ADMINISTRATOR_TOKEN, SIGNING_TOKEN):
        ensure_token(layout.secrets / token)
    keyring = FileKeyring.initialise(layout.data / "keys", domain=settings.domain, master=master, entropy=os.urandom)
    layout.signing.mkdir(mode=0o700, exist_ok=True)
    signing_keys = SealedKeyStore(master=ensure_master_key(layout.signing / MASTER_KEY), entropy=os.urandom)
    authority = ensure_authority(layout.signing / "ca", keys=signing_keys, operator=settings.operator, clock=now)
    party = Party(
        domain=settings.domain,
        operator=settings.operator,
        jwk=keyring.identity.jwk,
        url=settings.public_origin,
        log=str(keyring.centre_log.vkey),
        ca_roots=tuple(b64(root) for root in authority.roots),
    )
    party.write(layout.public)
    return party


def initialise_city(settings: CitySettings, url: str) -> Party:
    """Make a city node's keys; returns what the other parties get."""
    layout = Layout(settings.state)
    layout.make()
    ensure_token(layout.secrets / OPERATOR_TOKEN)
    folder = layout.data / "node"
    store = FileNodeStore.open(folder) if folder.exists() else FileNodeStore.create(folder)
    keys = NodeKeys.create(store, domain=settings.domain)
    party = Party(
        domain=settings.domain,
        operator=settings.operator,
        jwk=keys.identity.jwk,
        url=url,
        witness=str(keys.witness.vkey),
    )
    party.write(layout.public)
    return party


def read_pins(folder: Path) -> Pins:
    """The pinned policy and trust."""
    try:
        return Pins.parse((folder / POLICY).read_text(), (folder / TRUST).read_text())
    except FileNotFoundError as error:
        raise BadSettings(f"{error.filename} is missing: exchange the public files and run `trust` first") from error


def build_signing(settings: Settings) -> FastAPI:
    """The signing process: its own keys, its own register, its own master key."""
    layout = Layout(settings.state)
    keys = SealedKeyStore(master=read_master_key(layout.signing / MASTER_KEY), entropy=os.urandom)
    service = SigningService(
        keys=keys,
        authority=open_authority(layout.signing / "ca", keys=keys),
        credentials=SqliteRegister(path=layout.signing / "register.sqlite"),
        clock=now,
        entropy=os.urandom,
    )
    return create_signing_app(service, read_private(layout.secrets / SIGNING_TOKEN).decode().strip())


@asynccontextmanager
async def build_city(settings: CitySettings) -> AsyncIterator[FastAPI]:
    """A city node's process."""
    layout = Layout(settings.state)
    pins = read_pins(layout.policy)
    store = FileNodeStore.open(layout.data / "node")
    keys = NodeKeys.load(store)
    if keys.domain != settings.domain or settings.domain not in pins.trust.centres:
        raise BadSettings("the node's keys, settings and trust.json speak of different centres")
    source = HttpLogSource(
        main_url=settings.main_url,
        main=pins.trust.main,
        domain=keys.domain,
        signer=keys.identity,
        clock=time.time,
    )
    node = CityNode(keys=keys, pins=pins, store=store, source=source, envelopes=envelope_p256, clock=time.time)
    try:
        token = read_private(layout.secrets / OPERATOR_TOKEN).decode().strip()
        yield create_city_app(node, operator_token=token)
    finally:
        await source.close()


async def run_media_worker(settings: Settings, worker: Worker) -> None:
    """A media worker's process."""
    layout = Layout(settings.state)
    spool = layout.data / "spool" / worker.name
    await run_worker(socket_path=worker.socket, spool=spool, address=settings.media.address, port=worker.port)
