"""A process with the loop that calls receivers: `python -m tests.sessions.webhook_process DATABASE`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from ipaddress import ip_network

from evidence.adapters.database import DatabaseLedger
from sessions.adapters.webhooks_database import DatabaseWebhooks
from sessions.adapters.webhooks_http import HttpWebhookSender
from sessions.webhooks import Pace, Webhooks

MASTER = bytes(range(32))


async def main(url: str) -> None:
    webhooks = Webhooks(
        ledger=DatabaseLedger(url),
        store=DatabaseWebhooks(url=url, master=MASTER, entropy=os.urandom),
        sender=HttpWebhookSender(test_networks=(ip_network("127.0.0.0/8"),)),
        clock=time.time,
        entropy=os.urandom,
        pace=Pace(look=0.02),
    )
    print("ready", flush=True)
    await webhooks.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
