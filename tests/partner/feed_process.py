"""A reader of a feed as a process: `python -m tests.partner.feed_process URL TOKEN FOLDER`, until it is killed.

`pages.jsonl` keeps every page as it came, so that repetitions can be counted from outside.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import httpx2

from evidence.core.canonical import Object
from web.partner_sim.feed import FeedReader

PATH = "/v1/partner/events"


async def main(url: str, token: str, folder: Path) -> None:
    place = folder / "state.json"
    state = json.loads(place.read_text()) if place.exists() else {}

    def save() -> None:
        part = place.with_suffix(".part")
        part.write_text(json.dumps(state))
        part.replace(place)

    async with httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as http:

        async def read(path: str) -> Object:
            answer = await http.get(path)
            answer.raise_for_status()
            found: Object = answer.json()
            with (folder / "pages.jsonl").open("a") as pages:
                pages.write(json.dumps([event["sequence"] for event in found["events"]]) + "\n")
            return found

        reader = FeedReader(path=PATH, read=read, state=state, save=save, output=folder / "events.jsonl", limit=100)
        print("ready", flush=True)
        while True:
            news, more = await reader.page()
            if not (news or more):
                await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
