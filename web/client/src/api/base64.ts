/** base64url without padding, as every hash, key and id of the log is written. */

export function octetsOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export function hex(text: string): string {
  return Array.from(octetsOf(text), (octet) => octet.toString(16).padStart(2, "0")).join("");
}
