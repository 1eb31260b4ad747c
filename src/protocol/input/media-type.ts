/**
 * Returns whether the body of a request is declared as JSON. Forms and plain text are what a foreign page may send without a
 * CORS preflight (Fetch standard, 4.4), with the cookies of the user.
 */
export function isJson(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const [type = ''] = String(headers['content-type'] ?? '').split(';');
  return type.trim().toLowerCase() === 'application/json';
}
