"""Where the processes are put together: the only file that names adapters.

Adapters are imported where they are needed: each process loads only its own, so that one which was killed is back
within a second, and a city node never loads a media stack.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from evaluation.core import intake
from evidence.core.canonical import Object, b64, decode_object
from evidence.errors import Untrusted
from sessions.core.state import CLOSED
from sessions.trust import Pins
from web.server.errors import BadSettings
from web.server.identity import LINK_S, Identity, digest_of
from web.server.installation import Layout, Party, ensure_token, read_private
from web.server.limits import OBJECT_RATE, PARTNER_RATE, SDP_RATE, SESSION_RATE, SIGN_IN_RATE, TOKEN_RATE, Buckets
from web.server.settings import CitySettings, Settings
from web.server.tickets import Tickets
from web.server.workers import Worker, WorkerEngines, WorkerFolder, retire

if TYPE_CHECKING:
    import httpx2
    from fastapi import FastAPI

    from evidence.adapters.witness_http import HttpWitness
    from evidence.ports import Vault
    from sessions.recovery import Recovery
    from sessions.service import Proceedings
    from sessions.verdict import Step, Verdict

_log = structlog.get_logger("wiring")

MASTER_KEY, ADMINISTRATOR_TOKEN, SIGNING_TOKEN, OPERATOR_TOKEN = (
    "master.key",
    "administrator.token",
    "signing.token",
    "operator.token",
)
CURSOR_KEY = "cursor.key"
"""Seals the cursors of partners' feeds; made at the first start."""
POLICY, TRUST = "tlog-policy", "trust.json"
S3_ACCESS, S3_KEY = "s3-access", "s3-key"
# A committee of nine, its ratings, appeals and hand-overs take some 100 kB.
MAX_DEEDS = 16 * 1024 * 1024
CLIENT = Path(__file__).resolve().parent.parent / "client" / "dist"
# Witnesses and holders answer in milliseconds when they are up, and come back within seconds when they are not.
NODE_TIMEOUT_S = 10.0


def now() -> datetime:
    return datetime.now(UTC)


def entropy(n: int) -> bytes:
    return os.urandom(n)


def initialise_centre(settings: Settings) -> Party:
    """Make what a main centre needs and does not have yet; returns what the other parties get."""
    from sessions.adapters.keyring_files import FileKeyring
    from signing.adapters.certificate_authority import ensure_authority
    from signing.adapters.master_key import ensure_master_key
    from signing.adapters.sealed_keys import SealedKeyStore

    layout = Layout(settings.state)
    layout.make()
    master = ensure_master_key(layout.secrets / MASTER_KEY)
    for token in (ADMINISTRATOR_TOKEN, SIGNING_TOKEN):
        ensure_token(layout.secrets / token)
    keyring = FileKeyring.initialise(layout.data / "keys", domain=settings.domain, master=master, entropy=entropy)
    layout.signing.mkdir(mode=0o700, exist_ok=True)
    signing_keys = SealedKeyStore(master=ensure_master_key(layout.signing / MASTER_KEY), entropy=entropy)
    authority = ensure_authority(layout.signing / "ca", keys=signing_keys, operator=settings.operator, clock=now)
    _migrate(settings)
    party = Party(
        domain=settings.domain,
        operator=settings.operator,
        name=settings.city,
        jwk=keyring.identity.jwk,
        url=settings.public_origin,
        log=str(keyring.centre_log.vkey),
        ca_roots=tuple(b64(root) for root in authority.roots),
    )
    party.write(layout.public)
    return party


def first_link(settings: Settings) -> str:
    """The first administrator's one-time link, good for a day: the server need not run yet."""
    from sessions.adapters.accounts import DatabaseAccounts

    accounts = DatabaseAccounts(url=_database(settings))
    try:
        token = asyncio.run(Identity(accounts=accounts, clock=time.time).issue_administrator_link(LINK_S))
    finally:
        accounts.close()
    return f"{settings.public_origin}/sign-in#{token}"


def initialise_city(settings: CitySettings, url: str) -> Party:
    """Make a city node's keys; returns what the other parties get."""
    from sessions.adapters.node_store import FileNodeStore
    from sessions.node_keys import NodeKeys

    layout = Layout(settings.state)
    layout.make()
    ensure_token(layout.secrets / OPERATOR_TOKEN)
    folder = layout.data / "node"
    store = FileNodeStore.open(folder) if folder.exists() else FileNodeStore.create(folder)
    keys = NodeKeys.create(store, domain=settings.domain)
    party = Party(
        domain=settings.domain,
        operator=settings.operator,
        name=settings.city,
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


@asynccontextmanager
async def build_web(settings: Settings) -> AsyncIterator[tuple[FastAPI, Callable[[], None]]]:
    """The web process: the application, and what to call when it is told to stop."""
    from evaluation.adapters import addendum_html, report_workbook
    from evaluation.adapters.report_typst import render
    from evidence.adapters import envelope_p256
    from evidence.adapters.database import DatabaseLedger
    from evidence.adapters.disclosure_keys import DisclosureKeys
    from media.adapters.engine_socket import EngineSocket
    from sessions.adapters.accounts import DatabaseAccounts
    from sessions.adapters.keyring_files import FileKeyring
    from sessions.adapters.nodes_http import HttpHolderNode
    from sessions.adapters.pages_pdfium import PdfiumPages
    from sessions.adapters.partner_accounts import DatabasePartnerAccounts
    from sessions.adapters.pdf_reading import PdfReading
    from sessions.adapters.preparations_files import FilePreparations
    from sessions.adapters.uploads_files import UploadFolder
    from sessions.adapters.webhooks_database import DatabaseWebhooks
    from sessions.adapters.webhooks_http import HttpWebhookSender
    from sessions.feeds import Feeds
    from sessions.service import Proceedings
    from sessions.webhooks import Webhooks
    from signing.adapters import pades
    from signing.adapters.csc_client import CscCloudSigner
    from signing.adapters.master_key import read_master_key
    from web.server.app import create_app
    from web.server.cursors import Cursors
    from web.server.oauth import PartnerDoor
    from web.server.services import Services
    from web.server.verifying import Verifications

    layout = Layout(settings.state)
    pins = read_pins(layout.policy)
    master = read_master_key(layout.secrets / MASTER_KEY)
    keyring = FileKeyring(layout.data / "keys", domain=settings.domain, master=master, entropy=entropy)
    _check_agreement(settings, pins, str(keyring.centre_log.vkey))
    async with AsyncExitStack() as stack:
        if not settings.database:
            _migrate(settings)
        keys = DisclosureKeys(layout.data / "keys" / "disclosures", master=master, entropy=entropy)
        ledger = DatabaseLedger(_database(settings), keys=keys)
        stack.callback(ledger.close)
        accounts = DatabaseAccounts(url=_database(settings))
        stack.callback(accounts.close)
        partner_accounts = DatabasePartnerAccounts(url=_database(settings))
        stack.callback(partner_accounts.close)
        webhook_store = DatabaseWebhooks(url=_database(settings), master=master, entropy=entropy)
        stack.callback(webhook_store.close)
        webhook_sender = HttpWebhookSender(test_networks=settings.webhooks.test_networks)
        stack.push_async_callback(webhook_sender.close)
        webhooks = Webhooks(ledger=ledger, store=webhook_store, sender=webhook_sender, clock=time.time, entropy=entropy)
        http = await stack.enter_async_context(_node_client())
        cloud = CscCloudSigner(
            url=f"http://{settings.signing.host}:{settings.signing.port}",
            token=read_private(layout.secrets / SIGNING_TOKEN).decode().strip(),
        )
        stack.push_async_callback(cloud.aclose)
        proceedings = Proceedings(
            owner=settings.node,
            pins=pins,
            ledger=ledger,
            vault=await _vault(settings),
            witnesses=_witnesses(settings, pins, http),
            holders={city.domain: HttpHolderNode(city.url, http) for city in settings.cities},
            envelopes=envelope_p256,
            cloud=cloud,
            reports=pades,
            renderer=render,
            workbooks=report_workbook.render,
            addenda=addendum_html.render,
            engines=WorkerEngines(folder=worker_folder(settings), connect=EngineSocket.connect),
            reader=PdfReading(),
            keyring=keyring,
            preparations=FilePreparations(layout.data / "preparations"),
            evidence=layout.data / "evidence",
            clock=now,
            entropy=entropy,
        )
        verifications = Verifications(policy=layout.policy)
        stack.push_async_callback(verifications.stop)
        services = Services(
            origin=settings.public_origin,
            administrator=digest_of(read_private(layout.secrets / ADMINISTRATOR_TOKEN).decode().strip()),
            pins=pins,
            proceedings=proceedings,
            identity=Identity(accounts=accounts, clock=time.time),
            tickets=Tickets(clock=time.monotonic),
            pages=PdfiumPages(cache=layout.data / "pages"),
            uploads=UploadFolder(layout.data / "uploads"),
            verifications=verifications,
            session_buckets=Buckets(SESSION_RATE, clock=time.monotonic),
            sign_in_buckets=Buckets(SIGN_IN_RATE, clock=time.monotonic),
            sdp_buckets=Buckets(SDP_RATE, clock=time.monotonic),
            object_buckets=Buckets(OBJECT_RATE, clock=time.monotonic),
            partners=PartnerDoor(accounts=partner_accounts, origin=settings.public_origin, clock=time.time),
            partner_accounts=partner_accounts,
            partner_buckets=Buckets(PARTNER_RATE, clock=time.monotonic),
            token_buckets=Buckets(TOKEN_RATE, clock=time.monotonic),
            cursors=Cursors(digest_of(ensure_token(layout.secrets / CURSOR_KEY))),
            feeds=Feeds(),
            webhooks=webhooks,
            clock=time.time,
            monotonic=time.monotonic,
            client=CLIENT,
            nodes={city.domain: city.url for city in settings.cities},
        )
        stack.push_async_callback(proceedings.stop)
        retiring = retire(worker_folder(settings), partial(_over, proceedings))
        for task in (_start(proceedings), retiring, webhooks.run()):
            stack.push_async_callback(_cancelled, asyncio.create_task(task))
        yield create_app(services), services.closing.set


async def _start(proceedings: Proceedings) -> None:
    """Take up the logs while the doors already answer `starting`; a start that fails ends the process, loudly."""
    try:
        await proceedings.start()
    except Exception:  # noqa: BLE001 (whatever it was: the supervisor starts us again, and the log says why)
        _log.exception("start-failed")
        os._exit(1)


def _over(proceedings: Proceedings, proceeding: str) -> bool:
    from sessions.service_errors import ServiceError

    try:
        return proceedings.get(proceeding).state.gate == CLOSED
    except ServiceError:
        return False


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def build_signing(settings: Settings) -> FastAPI:
    """The signing process: its own keys, its own register, its own master key."""
    from signing.adapters.certificate_authority import open_authority
    from signing.adapters.master_key import read_master_key
    from signing.adapters.sealed_keys import SealedKeyStore
    from signing.adapters.sqlite_register import SqliteRegister
    from signing.service import SigningService
    from web.signing.app import create_signing_app

    layout = Layout(settings.state)
    keys = SealedKeyStore(master=read_master_key(layout.signing / MASTER_KEY), entropy=entropy)
    service = SigningService(
        keys=keys,
        authority=open_authority(layout.signing / "ca", keys=keys),
        credentials=SqliteRegister(path=layout.signing / "register.sqlite"),
        clock=now,
        entropy=entropy,
    )
    return create_signing_app(service, read_private(layout.secrets / SIGNING_TOKEN).decode().strip())


@asynccontextmanager
async def build_recovery(
    settings: Settings, *, cities: Sequence[str], told: Sequence[str], look_only: bool
) -> AsyncIterator[Recovery]:
    """What takes back from the copies of these cities (none named: of all) what the database lost."""
    from evidence.adapters.database import DatabaseLedger
    from evidence.adapters.disclosure_keys import DisclosureKeys
    from sessions.adapters.keyring_files import FileKeyring
    from sessions.adapters.mirrors_http import HttpMirror
    from sessions.recovery import Recovery
    from signing.adapters.master_key import read_master_key

    layout = Layout(settings.state)
    pins = read_pins(layout.policy)
    master = read_master_key(layout.secrets / MASTER_KEY)
    keyring = FileKeyring(layout.data / "keys", domain=settings.domain, master=master, entropy=entropy)
    _check_agreement(settings, pins, str(keyring.centre_log.vkey))
    if unknown := set(cities) - {city.domain for city in settings.cities}:
        raise BadSettings(f"the settings name no {', '.join(sorted(unknown))}")
    async with AsyncExitStack() as stack:
        if not settings.database:
            _migrate(settings)
        keys = DisclosureKeys(layout.data / "keys" / "disclosures", master=master, entropy=entropy)
        ledger = DatabaseLedger(_database(settings), keys=keys)
        stack.callback(ledger.close)
        http = await stack.enter_async_context(_node_client())
        make = partial(HttpMirror, client=http, main=settings.domain, signer=keyring.identity, clock=time.time)
        asked = [city for city in settings.cities if not cities or city.domain in cities]
        yield Recovery(
            owner=f"{settings.node}/recover",
            pins=pins,
            ledger=ledger,
            vault=await _vault(settings),
            witnesses=_witnesses(settings, pins, http),
            mirrors={city.domain: make(url=city.url, domain=city.domain) for city in asked},
            told=told,
            look_only=look_only,
        )


@asynccontextmanager
async def build_city(settings: CitySettings) -> AsyncIterator[FastAPI]:
    """A city node's process."""
    from evidence.adapters import envelope_p256
    from sessions.adapters.node_source import HttpLogSource
    from sessions.adapters.node_store import FileNodeStore
    from sessions.node import CityNode
    from sessions.node_following import Following
    from sessions.node_keys import NodeKeys
    from web.city.app import create_city_app

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
    token = read_private(layout.secrets / OPERATOR_TOKEN).decode().strip()
    following = Following(node)
    tasks = [asyncio.create_task(node.journals.watch()), asyncio.create_task(following.run())]
    try:
        yield create_city_app(node, operator_token=token, pages=settings.main_url, cosigned=following.heard)
    finally:
        for task in tasks:
            await _cancelled(task)
        await source.close()


async def run_media_worker(settings: Settings, worker: Worker) -> None:
    """A media worker's process."""
    from media.worker import run_worker

    spool = Layout(settings.state).data / "spool" / worker.name
    await run_worker(socket_path=worker.socket, spool=spool, address=settings.media.address, port=worker.port)


def worker_folder(settings: Settings) -> WorkerFolder:
    """The wanted media workers of this installation."""
    layout = Layout(settings.state)
    ports = range(settings.media.first_port, settings.media.last_port + 1)
    return WorkerFolder(layout.run / "workers", sockets=layout.run, ports=ports)


def verify(file: Path, policy: Path, *, progress: Callable[[Step], None]) -> Verdict:
    """`tongping verify`, with the adapters that it needs."""
    from evaluation.adapters import addendum_html, report_workbook
    from evidence.adapters import envelope_p256
    from sessions.adapters.pdf_reading import PdfReading
    from sessions.verify import verify as verify_evidence
    from signing.adapters.pades_validation import validate_report

    with file.open("rb") as opened:
        return verify_evidence(
            opened,
            policy,
            validate=validate_report,
            envelopes=envelope_p256,
            workbook=report_workbook.same,
            addenda=addendum_html.render,
            reader=PdfReading(),
            progress=progress,
        )


def verify_after(file: Path, policy: Path, deeds: bytes) -> list[Object]:
    """`tongping verify-after`: each act and how far it is proven; the evidence file itself is verified first."""
    from sessions.verdict import VALID
    from sessions.verify_after import verify as verify_deeds

    if verify(file, policy, progress=lambda _: None).outcome != VALID:
        raise Untrusted("the evidence file is not valid: run `verify` to see why")
    with file.open("rb") as opened:
        proven = verify_deeds(opened, decode_object(deeds, limit=MAX_DEEDS), read_pins(policy))
    return [
        {"n": p.entry.n, "at": p.entry.at, "act": p.act.act, "by": p.act.sub, "body": p.act.body, "proven": p.how}
        for p in proven
    ]


def read_bidders(file: Path) -> list[Object]:
    """The bidders of a workbook, under the headings that tender documents use."""
    columns = {"投标人名称": "name", "统一社会信用代码": "code", "投标报价（元）": "price"}
    return intake.table(read_cells(file), columns, sheet=file.name)


def read_cells(file: Path) -> list[list[str | None]]:
    """The rows of a workbook's first sheet, or of a CSV."""
    from evaluation.adapters import table_csv, workbook_xlsx

    read = table_csv.rows if file.suffix.lower() == ".csv" else workbook_xlsx.rows
    return read(file.read_bytes(), sheet=file.name)


def _check_agreement(settings: Settings, pins: Pins, log: str) -> None:
    """Settings, keys and policy must speak of the same parties: better no start than a log that nobody can verify."""
    if pins.trust.main != settings.domain or str(pins.policy.log) != log:
        raise BadSettings("policy/ was made for another main centre, or for other keys")
    missing = {city.domain for city in settings.cities} - pins.trust.centres.keys()
    if missing or not settings.cities:
        raise BadSettings(f"the agreement in policy/ does not name {', '.join(sorted(missing)) or 'any city'}")


def _migrate(settings: Settings) -> None:
    """Create tables and rules, as their owner where there is one; the role of the processes gets what it needs."""
    from sqlalchemy.engine import make_url

    from evidence.adapters import database
    from sessions.adapters import accounts, partner_accounts, webhooks_database

    owner = settings.database_owner or _database(settings)
    role = make_url(settings.database).username if settings.database_owner else None
    database.prepare(owner, app_role=role)
    accounts.prepare(owner, app_role=role)
    partner_accounts.prepare(owner, app_role=role)
    webhooks_database.prepare(owner, app_role=role)


def _database(settings: Settings) -> str:
    return settings.database or f"sqlite:///{Layout(settings.state).data / 'tongping.db'}"


async def _vault(settings: Settings) -> Vault:
    from evidence.adapters.vault_files import FileVault
    from evidence.adapters.vault_s3 import S3Vault

    layout, vault = Layout(settings.state), settings.vault
    if vault.kind == "files":
        return FileVault(layout.data / "vault")
    return await S3Vault.open(
        endpoint=vault.endpoint,
        bucket=vault.bucket,
        access_key=read_private(layout.secrets / S3_ACCESS).decode().strip(),
        secret_key=read_private(layout.secrets / S3_KEY).decode().strip(),
        secure=vault.tls,
        retention=timedelta(days=vault.retention_days),
    )


def _node_client() -> httpx2.AsyncClient:
    import httpx2

    # No proxy and no credentials of the environment: the agreement says where the nodes are.
    return httpx2.AsyncClient(timeout=NODE_TIMEOUT_S, trust_env=False)


def _witnesses(settings: Settings, pins: Pins, http: httpx2.AsyncClient) -> list[HttpWitness]:
    """A witness of the policy for each city, found by the name that its key carries."""
    from evidence.adapters.witness_http import HttpWitness

    keys = {key.name: key for key in pins.policy.witnesses}
    named = [(city, keys.get(f"{city.domain}/witness")) for city in settings.cities]
    return [HttpWitness(client=http, prefix=city.url, vkey=key) for city, key in named if key is not None]
