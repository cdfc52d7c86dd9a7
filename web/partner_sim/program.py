"""What a partner city's system does, by itself, from the agreement to the verified evidence file.

Each round looks at what stands, and does what is due: so a program that died goes on where it was, and a webhook that
never came costs a pause and nothing else. What it decides by itself here (sign, accept, name) is a person's decision in
a real city; the program then waits for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2

from evidence.core import disclosure
from evidence.core.canonical import Object, b64u
from web.partner_sim.client import PartnerClient
from web.partner_sim.errors import ApiRefused, FeedBroken, TermsDiffer
from web.partner_sim.feed import FeedReader, read_events
from web.partner_sim.folder import Folder
from web.partner_sim.receiver import PATH, Receiver

PARTNERSHIP = "/v1/partner/events"
Say = Callable[..., None]
# How often it looks where no webhook wakes it; a round is five requests, well below what a partner may send.
PAUSE_S = 0.5
_NODE_S = 20.0
SALT_BYTES = 16
CLOSED, ABORTED, CONVENED = "closed", "aborted", "convened"
# What the host says until something else has happened: asked again in the next round.
_LATER = frozenset({"not-archived", "not-founded-yet", "act-gap", "not-found", "precondition-failed", "too-early"})


class PartnerSim:
    """`until` is where it stops: `convened` (its venue is in a proceeding) or `closed` (the evidence is verified)."""

    def __init__(self, *, folder: Folder, client: PartnerClient, policy: Path, until: str, say: Say) -> None:
        self._folder = folder
        self._config = folder.config
        self._client = client
        self._policy = policy
        self._until = until
        self._say = say
        self._state: dict[str, Any] = folder.load()
        self._feeds: dict[str, FeedReader] = {}
        self._receiver: Receiver | None = None
        self._verdicts: dict[str, int] = {}

    async def run(self) -> int:
        """The exit status: that of the last verification, 0 where nothing was to be verified."""
        async with AsyncExitStack() as stack:
            if self._config.receiver_port:
                self._receiver = Receiver(self._config.receiver_host, self._config.receiver_port, self._publics)
                await stack.enter_async_context(self._receiver.serving())
                await self._register()
            while not await self._round():
                await self._pause()
            # What was seen done may have happened after the feed was read.
            await self._follow(PARTNERSHIP)
        await self._compare()
        return max(self._verdicts.values(), default=0)

    # -- a round -------------------------------------------------------------------------------------------------

    async def _round(self) -> bool:
        """Whether everything is done."""
        await self._follow(PARTNERSHIP)
        for agreement in (await self._client.read("/v1/partner/agreements")).value["agreements"]:
            await self._later(self._agreement(agreement["agreement"]))
        done = []
        for invitation in (await self._client.read("/v1/partner/invitations")).value["invitations"]:
            await self._later(self._invitation(invitation["invitation"]))
            proceeding = invitation.get("proceeding")
            if invitation["state"] == CONVENED and proceeding is not None:
                done.append(self._until == CONVENED or await self._later(self._proceeding(proceeding)))
        return bool(done) and all(done)

    async def _later(self, work: Any) -> bool:
        try:
            return bool(await work)
        except ApiRefused as refusal:
            if refusal.code not in _LATER:
                raise
            return False

    async def _agreement(self, name: str) -> None:
        found = await self._client.read(f"/v1/partner/agreements/{name}")
        agreement = found.value
        if agreement["state"] != "draft" or self._config.centre in agreement["signed"]:
            return
        terms = await self._client.octets(f"/v1/partner/agreements/{name}/terms")
        if b64u(hashlib.sha256(terms).digest()) != agreement["terms"]:
            raise TermsDiffer("the text is not the one that the offer names")
        act = await self._act(agreement["chain"], "agreement.sign", {"offer": agreement["offer"]})
        await self._client.write("POST", f"/v1/partner/agreements/{name}/signature", {"act": act}, etag=found.etag)
        self._say("signs the agreement", act="agreement.sign")

    async def _invitation(self, name: str) -> None:
        path = f"/v1/partner/invitations/{name}"
        found = await self._client.read(path)
        invitation = found.value
        if invitation["state"] == "offered":
            act = await self._act(invitation["chain"], "invitation.accept", {"invitation": name})
            await self._client.write("POST", f"{path}/acceptance", {"act": act}, etag=found.etag)
            self._say(f"accepts the invitation of {invitation['venue']}", act="invitation.accept")
        elif invitation["state"] == "accepted":
            body, text = self._venue(invitation)
            act = await self._act(invitation["chain"], "venue.name", body, sd=[disclosure.digest(text)])
            await self._client.write("PUT", f"{path}/venue", {"act": act, "disclosures": [text]}, etag=found.etag)
            self._say(f"names {invitation['venue']}", act="venue.name")

    async def _proceeding(self, name: str) -> bool:
        path = f"/v1/partner/proceedings/{name}"
        shown = (await self._client.read(path)).value
        if shown["phase"] not in (CLOSED, ABORTED):
            for seat in shown["own"]["seats"]:
                if not seat["vouched"]:
                    await self._vouch(path, shown["origin"], seat["id"])
        await self._follow(f"{path}/events")
        if shown["phase"] == ABORTED:
            return True
        return shown["phase"] == CLOSED and await self._evidence(name, path)

    async def _vouch(self, path: str, origin: str, seat: str) -> None:
        thumbprint = self._folder.thumbprint(seat)
        if thumbprint is None:
            return
        question = {"origin": origin, "seat": seat, "thumbprint": thumbprint}
        act = await self._node("/identity/vouch", question)
        if act is not None:
            await self._client.write("POST", f"{path}/vouches", {"act": act})
            (self._folder.path / "devices" / f"{seat}.vouched").touch()
            self._say(f"vouches for {seat}", act="seat.vouch")

    async def _evidence(self, name: str, path: str) -> bool:
        target = self._folder.evidence / f"{name}.zip"
        if name in self._verdicts:
            return True
        results = (await self._client.read(f"{path}/results")).value
        await self._client.download(f"{path}/evidence", target)
        command = (
            sys.executable,
            "-P",
            "-m",
            "web.server",
            "verify",
            str(target),
            "--policy",
            str(self._policy),
            "--json",
        )
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        verdict = json.loads(said)
        ranking = [[row["bidder"], row["rank"]] for row in verdict["ranking"]]
        if process.returncode == 0 and ranking != results["ranking"]:
            raise FeedBroken("the results shown are not those of the evidence file")
        self._verdicts[name] = int(process.returncode or 0)
        self._say(f"verified its evidence file: {verdict['verdict']}, {verdict['entries']} entries")
        return True

    # -- feeds and webhooks --------------------------------------------------------------------------------------

    async def _follow(self, path: str) -> None:
        """Every event that is new."""
        if path not in self._feeds:
            self._feeds[path] = FeedReader(
                path=path,
                read=self._read,
                state=self._state,
                save=lambda: self._folder.save(self._state),
                output=self._folder.events,
            )
        more = True
        while more:
            events, more = await self._feeds[path].page()
            for event in events:
                self._say(f"reads #{event['sequence']} {event['type']}", event=event["type"])

    async def _read(self, path: str) -> Object:
        return (await self._client.read(path)).value

    async def _register(self) -> None:
        """Once: a program that died before it kept the answer registers anew and removes what it does not know."""
        mine = self._state.get("webhook")
        for webhook in (await self._client.read("/v1/partner/webhooks")).value["webhooks"]:
            if mine is None or webhook["webhook"] != mine["webhook"]:
                found = await self._client.read(f"/v1/partner/webhooks/{webhook['webhook']}")
                await self._client.write("DELETE", f"/v1/partner/webhooks/{webhook['webhook']}", None, etag=found.etag)
            elif webhook["disabled"] is None:
                return
        body: Object = {"url": self._config.receiver_url + PATH, "types": []}
        made = await self._client.write("POST", "/v1/partner/webhooks", body)
        self._state["webhook"] = {"webhook": made["webhook"], "publics": made["public_keys"]}
        self._folder.save(self._state)
        self._say("registers a webhook")

    def _publics(self) -> list[str]:
        return list(self._state.get("webhook", {}).get("publics", []))

    async def _pause(self) -> None:
        if self._receiver is None:
            await asyncio.sleep(PAUSE_S)
            return
        try:
            async with asyncio.timeout(PAUSE_S):
                await self._receiver.news.wait()
        except TimeoutError:
            return
        self._receiver.news.clear()

    async def _compare(self) -> None:
        """What was called out is in the feed, at that very index."""
        if self._receiver is None:
            return
        read = {
            (event["log"], event["index"]): event["type"]
            for path in self._feeds
            for event in read_events(self._folder.events, path)
        }
        heard = [event["data"] for event in self._receiver.heard.values()]
        unknown = [data for data in heard if read.get((data["log"], data["index"]), data["type"]) != data["type"]]
        if unknown:
            raise FeedBroken(f"a webhook said what the feed does not say: {unknown[0]}")
        self._say(f"heard {len(heard)} webhooks, {self._receiver.repeated} of them again")

    # -- its own city --------------------------------------------------------------------------------------------

    def _venue(self, invitation: Object) -> tuple[Object, str]:
        """Rooms and seats as this city calls them, and who sits there: one disclosure that only the host reads."""
        specialities = [name for name, count in invitation["specialities"] for _ in range(count)]
        members = [
            {"label": f"expert {n}", "role": "expert", "speciality": speciality}
            for n, speciality in enumerate(specialities + [None] * (invitation["seats"] - len(specialities)), start=1)
        ]
        people = self._folder.people + [(f"Expert {n}", self._config.centre) for n in range(1, len(members) + 1)]
        names = [[seat["label"], *person] for seat, person in zip(members, people, strict=False)]
        text = disclosure.make("names", names, secrets.token_bytes(SALT_BYTES)).text
        seats = [*members, {"label": "operator 1", "role": "operator", "speciality": None}]
        pinned = json.loads((self._policy / "trust.json").read_text())
        witness = next(
            (
                line.split(" ")[2]
                for line in (self._policy / "tlog-policy").read_text().splitlines()
                if line.startswith("witness ") and f"{self._config.centre}/witness+" in line
            ),
            None,
        )
        holder = witness is not None and self._config.centre != pinned["main"]
        body: Object = {
            "holder": holder,
            "invitation": invitation["invitation"],
            "rooms": [f"room {n}" for n in range(1, invitation["rooms"] + 1)],
            "seats": seats,
            "witness": witness,
        }
        return body, text

    async def _act(self, chain: Object, act: str, body: Object, *, sd: list[str] | None = None) -> str:
        """The city's node signs with the key that the agreement pins; this program never sees it."""
        place = {"ctr": chain["ctr"], "prev": chain["prev"]}
        question = {"act": act, "aud": chain["aud"], "body": body, "chain": place, "sd": sd or []}
        signed = await self._node("/identity/partnership", question)
        if signed is None:
            raise ApiRefused(status=409, code="act-gap", detail="the city's own node is away")
        return signed

    async def _node(self, door: str, question: Object) -> str | None:
        """The act, or None where the node cannot answer yet."""
        headers = {"Authorization": f"Bearer {self._config.node_token}"}
        try:
            async with httpx2.AsyncClient(timeout=_NODE_S, trust_env=False) as http:
                answer = await http.post(self._config.node + door, json=question, headers=headers)
        except httpx2.TransportError:
            return None
        if answer.status_code in (404, 409, 503):
            return None
        if not answer.is_success:
            raise ApiRefused(status=answer.status_code, code="node-refused", detail=answer.text[:200])
        return str(answer.json()["act"])
