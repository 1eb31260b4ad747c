/** Returns the URL with these query parameters, without earlier ones of the same names. Empty values are left out. */
export function withQuery(url: string, parameters: Readonly<Record<string, string>>): string {
  const [path = '', query = ''] = url.replace(/#.*/s, '').split(/\?(.*)/s);
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '' && !((pair.split('=')[0] as string) in parameters));
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== '') pairs.push(`${name}=${encodeURIComponent(value)}`);
  }
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}
