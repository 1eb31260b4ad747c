/** Parses the data of an event, or returns it unchanged where it is no JSON: a custom serializer need not write JSON. */
export function parseData(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
