"""A city node as a process: state folder (with `policy` and `trust.json`), main server's URL, port, operator token."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import uvicorn

from evidence.adapters import envelope_p256
from sessions.adapters.node_source import HttpLogSource
from sessions.adapters.node_store import FileNodeStore
from sessions.node import CityNode
from sessions.node_keys import NodeKeys
from sessions.trust import Pins
from web.city.app import create_city_app

# Often, so that tests wait for no more than a moment.
WATCH_S = 0.1


def main(folder: Path, main_url: str, port: int, token: str) -> None:
    pins = Pins.parse((folder / "policy").read_text(), (folder / "trust.json").read_text())
    store = FileNodeStore.open(folder / "node")
    keys = NodeKeys.load(store)
    source = HttpLogSource(
        main_url=main_url, main=pins.trust.main, domain=keys.domain, signer=keys.identity, clock=time.time
    )
    node = CityNode(keys=keys, pins=pins, store=store, source=source, envelopes=envelope_p256, clock=time.time)
    app = create_city_app(node, operator_token=token, pages=main_url)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))

    async def run() -> None:
        watching = asyncio.create_task(node.journals.watch(every=WATCH_S))
        await server.serve()
        watching.cancel()

    asyncio.run(run())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
