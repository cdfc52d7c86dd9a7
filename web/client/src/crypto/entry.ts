/** Entries: the leaves of a log (protocols.md section 1.2). */

import { type Act, digests, parseAct } from "./act.ts";
import { type Bytes, same, unb64u } from "./bytes.ts";
import { decodeObject, encode, type JsonObject, members } from "./canonical.ts";
import { Malformed } from "./errors.ts";
import { leafHash } from "./merkle.ts";

const AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const TYPE = /^[A-Z][A-Za-z0-9]{2,63}$/;

/** A leaf; `data` holds the exact octets that the leaf hash covers. */
export interface Entry {
  readonly data: Bytes;
  readonly leaf: Bytes;
  readonly n: number;
  readonly origin: string;
  readonly at: string;
  readonly type: string;
  readonly v: number;
  readonly body: JsonObject;
  readonly act: Act | null;
}

/** Read an entry strictly; the act inside is parsed, its signature is checked where the key is known. */
export function parseEntry(octets: Uint8Array): Entry {
  const data = new Uint8Array(octets);
  const value = decodeObject(data);
  const found = members(
    value,
    { at: "string", body: "object", n: "integer", origin: "string", salt: "string", type: "string", v: "integer" },
    { _sd: "array", act: "string", assertion: "object" },
  );
  unb64u(found.salt, 16);
  if (!AT.test(found.at) || !TYPE.test(found.type) || found.n < 0 || found.v < 1) {
    throw new Malformed("at, type, n or v is out of form");
  }
  if (!same(encode(value), data)) throw new Malformed("not in canonical form");
  const { _sd: sd } = found;
  if (sd !== undefined) digests(sd);
  return {
    data,
    leaf: leafHash(data),
    n: found.n,
    origin: found.origin,
    at: found.at,
    type: found.type,
    v: found.v,
    body: found.body,
    act: found.act === undefined ? null : parseAct(found.act),
  };
}
