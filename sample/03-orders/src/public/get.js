/** Loads JSON. Throws an Error with the server's message and `status` if it is refused. */
export async function get(path, headers = {}) {
  const response = await fetch(path, { headers });
  const value = await response.json();
  if (!response.ok)
    throw Object.assign(new Error(value.message ?? response.statusText), { status: response.status });
  return value;
}
