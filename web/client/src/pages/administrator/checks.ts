/** What can be known wrong while it is typed. The server checks everything again, and more. */

// GB 32100-2015, 4.3 and 4.4.
const ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/** 统一社会信用代码: form and check character. */
export function isCreditCode(code: string): boolean {
  if (code.length !== 18) return false;
  let sum = 0;
  let weight = 1;
  for (const character of code.slice(0, 17)) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return false;
    sum += value * weight;
    weight = (weight * 3) % 31;
  }
  return ALPHABET[(31 - (sum % 31)) % 31] === code[17];
}

/** `12` and `12.5` become `12.50`; null where it is no amount of two places. Full-width digits are no digits. */
export function amount(text: string): string | null {
  const found = /^(0|[1-9]\d{0,12})(?:\.(\d{1,2}))?$/.exec(text.trim().replaceAll(",", ""));
  return found ? `${found[1]}.${(found[2] ?? "").padEnd(2, "0")}` : null;
}

/** Cents, so that sums are exact. */
export function cents(text: string): bigint | null {
  const found = amount(text);
  return found === null ? null : BigInt(found.replace(".", ""));
}

export function ofCents(value: bigint): string {
  const digits = value.toString().padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
