/** The comparison code of a device's key (docs/protocol.md 2.1), computed by each screen for itself. */
export async function comparisonCode(origin: string, seat: string, thumbprint: string): Promise<string> {
  const text = `tongping comparison code v1\n${origin}\n${seat}\n${thumbprint}`;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const number = digest.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n) % 10n ** 16n;
  return number.toString().padStart(16, "0").replace(/(\d{4})(?=\d)/g, "$1 ");
}
