/** Salted disclosures (protocols.md 1.4, RFC 9901): what is handed out beside an act, and the digest that stands in it. */
import { ascii, b64u } from "./bytes.ts";
import { encode, type Json, sha256 } from "./canonical.ts";

export interface Disclosure {
  readonly text: string;
  readonly digest: string;
}

const SALT_BYTES = 16;

export function disclose(name: string, value: Json, salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))): Disclosure {
  const text = b64u(encode([b64u(salt), name, value]));
  return { text, digest: b64u(sha256(ascii(text))) };
}
