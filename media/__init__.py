"""Packets and recordings: a relay of WebRTC rooms that records every one of them. No word of bidding in here."""
