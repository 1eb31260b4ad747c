/** A notice to a node: the sessions of these clients belong to newer streams now. */
export function encodeTaken(clients: readonly string[]): string {
  return JSON.stringify({ sessionsTaken: clients });
}

/** @returns the ids of the clients; `undefined` for any other text, which any program with access to the broker can send */
export function parseTaken(text: string): readonly string[] | undefined {
  if (!text.startsWith('{"sessionsTaken":')) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { sessionsTaken: clients, ...others } = parsed as { readonly sessionsTaken?: unknown };
  if (!Array.isArray(clients) || Object.keys(others).length > 0) return undefined;
  return clients.every((client) => typeof client === 'string') ? clients : undefined;
}
