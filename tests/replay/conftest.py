"""A browser page for a whole module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.chromium.browsers import CURRENT, FLAGS, chromium_109


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    executable, environment = chromium_109() if request.param == "109" else (CURRENT, {})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, env=dict(environment), args=list(FLAGS), timeout=60_000
        )
        yield browser.new_page()
        browser.close()
