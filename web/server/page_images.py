"""Is this the page image that we rendered? A seat says which octets its browser decoded; we know which they were."""

from __future__ import annotations

from collections import OrderedDict

from evidence.core.canonical import sha256
from sessions.core.page_views import documents
from sessions.errors import UnknownPage
from sessions.keeper import ProceedingKeeper
from sessions.viewing import Shown
from web.server.errors import NotOurImage
from web.server.ports import Pages

MAX_KNOWN = 20_000
"""Digests of 32 octets: a tender of twenty bids with a thousand pages each."""


class PageImages:
    """SHA-256 of page images, by document and page; the least used are computed again."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    async def check(self, pages: Pages, keeper: ProceedingKeeper, seat: str, shown: Shown) -> None:
        """UnknownPage where there is no such page, NotOurImage where its image has other octets."""
        if not 1 <= shown.page <= documents(keeper.state).get(shown.document, 0):
            raise UnknownPage("no such document, or no such page in it")
        if await self._digest(pages, keeper, seat, shown.document.hex(), shown.page) != shown.image:
            raise NotOurImage("this is not the image that was rendered here")

    async def _digest(self, pages: Pages, keeper: ProceedingKeeper, seat: str, document: str, page: int) -> bytes:
        key = (document, page)
        if key not in self._known:
            image = await pages.png(document, page, lambda: keeper.get_object(document, seat))
            self._known[key] = sha256(image)
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]
