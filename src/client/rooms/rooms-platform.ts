interface RoomsPlatform {
  readonly crypto?: {
    randomUUID?(): string;
    getRandomValues(bytes: Uint8Array): Uint8Array;
  };
  readonly location?: { readonly href: string };
}

const { crypto, location } = globalThis as unknown as RoomsPlatform;

/** Returns the URL of the page; `undefined` outside pages. */
export function pageUrl(): string | undefined {
  return location?.href;
}

/** Returns a key for a session. A page over plain HTTP has no `randomUUID`, and React Native has no `crypto`. */
export function newKey(): string {
  if (crypto?.randomUUID !== undefined) return crypto.randomUUID();
  const bytes = new Uint8Array(16);
  if (crypto === undefined) for (const index of bytes.keys()) bytes[index] = Math.random() * 256;
  else crypto.getRandomValues(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
