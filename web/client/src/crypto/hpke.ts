/**
 * HPKE (RFC 9180) in base mode, single shot, as the one suite of our envelopes:
 * DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
 *
 * (1) An ephemeral key, and the Diffie-Hellman value with the receiver's key (section 4.1, Encap);
 * (2) the shared secret from it and both public keys (section 4.1, ExtractAndExpand);
 * (3) key and nonce under `info` (section 5.1, KeySchedule, mode_base);
 * (4) one message under sequence number 0, without associated data (section 5.2).
 */

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, concat, utf8 } from "./bytes.ts";
import { Malformed } from "./errors.ts";

const KEM_SUITE = concat(utf8("KEM"), Uint8Array.of(0x00, 0x10));
const HPKE_SUITE = concat(utf8("HPKE"), Uint8Array.of(0x00, 0x10, 0x00, 0x01, 0x00, 0x02));
const VERSION = utf8("HPKE-v1");
const NONE = new Uint8Array(0);
const ECDH = { name: "ECDH", namedCurve: "P-256" } as const;

/** `enc || ciphertext`, sealed to an uncompressed point of P-256. */
export async function sealBase(receiver: Bytes, info: Bytes, plaintext: Bytes): Promise<Bytes> {
  // (1)
  const theirs = await imported(receiver);
  const mine = await crypto.subtle.generateKey(ECDH, false, ["deriveBits"]);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", mine.publicKey));
  const dh = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, mine.privateKey, 256));
  // (2)
  const prk = labelledExtract(KEM_SUITE, NONE, "eae_prk", dh);
  const shared = labelledExpand(KEM_SUITE, prk, "shared_secret", concat(enc, receiver), 32);
  // (3)
  const { key, nonce } = keySchedule(shared, info);
  // (4)
  const aead = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return concat(enc, new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, aead, plaintext)));
}

function keySchedule(shared: Bytes, info: Bytes): { key: Bytes; nonce: Bytes } {
  const context = concat(
    Uint8Array.of(0x00),
    labelledExtract(HPKE_SUITE, NONE, "psk_id_hash", NONE),
    labelledExtract(HPKE_SUITE, NONE, "info_hash", info),
  );
  const secret = labelledExtract(HPKE_SUITE, shared, "secret", NONE);
  return {
    key: labelledExpand(HPKE_SUITE, secret, "key", context, 32),
    nonce: labelledExpand(HPKE_SUITE, secret, "base_nonce", context, 12),
  };
}

/** HKDF (RFC 5869) with SHA-256, 32 octets. */
export const hkdf = (salt: Bytes, ikm: Bytes, info: Bytes): Bytes => expand(extract(salt, ikm), info, 32);

const extract = (salt: Bytes, ikm: Bytes): Bytes => new Uint8Array(hmac(sha256, salt, ikm));

/** One block serves: nobody here asks for more than 32 octets. */
function expand(prk: Bytes, info: Bytes, length: number): Bytes {
  return new Uint8Array(hmac(sha256, prk, concat(info, Uint8Array.of(1)))).slice(0, length);
}

function labelledExtract(suite: Bytes, salt: Bytes, label: string, ikm: Bytes): Bytes {
  return extract(salt, concat(VERSION, suite, utf8(label), ikm));
}

function labelledExpand(suite: Bytes, prk: Bytes, label: string, info: Bytes, length: number): Bytes {
  return expand(prk, concat(Uint8Array.of(0, length), VERSION, suite, utf8(label), info), length);
}

/** WebCrypto refuses points off the curve. */
async function imported(receiver: Bytes): Promise<CryptoKey> {
  if (receiver.length !== 65) throw new Malformed("holder keys are uncompressed points");
  try {
    return await crypto.subtle.importKey("raw", receiver, ECDH, false, []);
  } catch {
    throw new Malformed("the holder's key is not a point of P-256");
  }
}
