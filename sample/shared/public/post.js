/** Sends a POST. Throws an Error with the server's message if it is refused. */
export async function post(path, body = {}) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  const value = answer ? JSON.parse(answer) : undefined;
  if (!response.ok) throw new Error(value?.message ?? response.statusText);
  return value;
}
