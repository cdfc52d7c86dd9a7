"""Both browsers run here, and are the versions that they are said to be."""

from __future__ import annotations

import pytest
from playwright.sync_api import sync_playwright

from tests.chromium.browsers import CURRENT, FLAGS, chromium_109


@pytest.mark.parametrize("which", ["109", "current"])
def test_a_browser_starts_and_has_what_the_client_needs(which: str) -> None:
    """WebCrypto with P-256 and AES-GCM on a secure context, and WebRTC with VP8 (architecture, rule 11)."""
    executable, environment = chromium_109() if which == "109" else (CURRENT, {})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, env=dict(environment), args=list(FLAGS), headless=True, timeout=60_000
        )
        try:
            major = int(browser.version.split(".")[0])
            page = browser.new_page()
            codecs = page.evaluate("RTCRtpReceiver.getCapabilities('video').codecs.map(codec => codec.mimeType)")
        finally:
            browser.close()
    assert major == 109 if which == "109" else major >= 120
    assert "video/VP8" in codecs
