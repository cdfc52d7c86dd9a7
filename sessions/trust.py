"""`trust.json`: whom a node, a seat and an auditor trust, pinned beside the tlog-policy (docs/protocol.md 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evidence.core.act import public_key
from evidence.core.canonical import Object, decode_object, members, sha256, tagged, unb64
from evidence.core.policy import Policy
from evidence.errors import Malformed
from sessions.core.city_names import CityName, check_apart

# Nine holders, some witnesses and a root or two: far below this.
MAX_TRUST = 60_000


@dataclass(frozen=True, slots=True)
class Centre:
    """A trading centre, or the supervising authority, as the agreement names it; `name` is what people call its city,
    None where the agreement does not say."""

    domain: str
    operator: str
    jwk: Object
    name: CityName | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """The parsed file; `f` = witnesses that may be dishonest."""

    main: str
    centres: Mapping[str, Centre]
    ca_roots: tuple[bytes, ...]
    holder_k: int
    f: int

    @property
    def identities(self) -> dict[str, Object]:
        """The identity key of each centre."""
        return {domain: centre.jwk for domain, centre in self.centres.items()}

    @property
    def names(self) -> dict[str, CityName]:
        """What people call the cities, as far as the agreement says it."""
        return {domain: centre.name for domain, centre in self.centres.items() if centre.name is not None}

    @staticmethod
    def parse(data: bytes) -> Trust:
        """Read the file strictly."""
        required = {"v": int, "main": str, "centres": list, "ca_roots": list, "holder_k": int, "f": int}
        value = members(decode_object(data, limit=MAX_TRUST), required)
        centres: dict[str, Centre] = {}
        for item in value["centres"]:
            found = members(item, {"domain": str, "operator": str, "jwk": dict}, {"name": dict})
            public_key(found["jwk"])
            if found["domain"] in centres:
                raise Malformed("a centre stands twice in trust.json")
            name = CityName.parse(found["name"]) if "name" in found else None
            centres[found["domain"]] = Centre(found["domain"], found["operator"], found["jwk"], name)
        if value["v"] != 1 or value["main"] not in centres or value["holder_k"] < 1 or value["f"] < 0:
            raise Malformed("trust.json is out of form")
        check_apart(centre.name for centre in centres.values() if centre.name is not None)
        roots = tuple(unb64(root) for root in value["ca_roots"])
        return Trust(value["main"], centres, roots, value["holder_k"], value["f"])


@dataclass(frozen=True, slots=True)
class Pins:
    """Policy and trust as one party pinned them, with the hashes that acts and foundings state."""

    policy: Policy
    trust: Trust
    policy_text: str
    trust_text: str

    @staticmethod
    def parse(policy_text: str, trust_text: str) -> Pins:
        """Both files, and that they speak of the same main centre."""
        pins = Pins(Policy.parse(policy_text), Trust.parse(trust_text.encode()), policy_text, trust_text)
        if pins.policy.log.name != pins.trust.main + "/centre":
            raise Malformed("the policy pins another centre log than that of trust.json's main centre")
        return pins

    @property
    def nodes(self) -> frozenset[str]:
        """The cities of the agreement's nodes: a witness `<domain>/witness` is also holder (protocols.md 1.6), and
        holders are those of the agreement, never chosen for one proceeding (section 2)."""
        return frozenset(key.name.partition("/")[0] for key in self.policy.witnesses)

    def are_holders(self, domains: Iterable[str]) -> bool:
        """Exactly the agreement's nodes; the main centre may be one more (protocols.md 3)."""
        return set(domains) - {self.trust.main} == self.nodes

    def may_hold(self, domains: Iterable[str]) -> bool:
        """As many of the agreement's nodes, where the main centre may have succeeded one that was lost for good."""
        named = list(domains)
        others = set(named) - {self.trust.main}
        return others <= self.nodes and len(self.nodes) <= len(named) <= len(self.nodes) + 1

    @property
    def policy_hash(self) -> bytes:
        return sha256(self.policy_text.encode())

    @property
    def trust_hash(self) -> bytes:
        return sha256(self.trust_text.encode())

    @property
    def digest(self) -> bytes:
        """T("pins", H(policy) || H(trust)): by it a one-time link names the agreement (docs/adr/0006)."""
        return tagged("pins", self.policy_hash + self.trust_hash)
