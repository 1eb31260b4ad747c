import { createReadStream } from 'node:fs';
import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';

/** The two ends of a TCP connection, as a socket of Node has them; without them it is no TCP connection. */
export interface TcpConnection {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/**
 * Reads how many bytes the kernel holds for each TCP connection: written, and not acknowledged by the client's system.
 * Connections that are not found are left out.
 */
export type ReadUnacknowledgedBytes = (
  connections: Iterable<TcpConnection>,
) => Promise<ReadonlyMap<TcpConnection, number>>;

/** Hexadecimal digits of both ends in a line of each table, with their two colons and the space between them. */
const TABLES = [
  { path: '/proc/self/net/tcp', endsLength: 27 },
  { path: '/proc/self/net/tcp6', endsLength: 75 },
] as const;

/** Distance of the bytes behind both ends: ` 01 ` is the state. */
const BYTES_OFFSET = 4;

/** `undefined` on systems other than Linux. */
export const readUnacknowledgedBytes: ReadUnacknowledgedBytes | undefined =
  process.platform === 'linux' ? readTables : undefined;

/**
 * Linux lists its TCP connections in two tables of text. They are read in pieces of 4 KiB, since the table of 40,000
 * connections has 6 MB, for which this thread is busy for 60 ms in all.
 */
async function readTables(connections: Iterable<TcpConnection>): Promise<ReadonlyMap<TcpConnection, number>> {
  const byEnds = new Map<string, TcpConnection>();
  for (const connection of connections) {
    const ends = endsInTable(connection);
    if (ends !== undefined) byEnds.set(ends, connection);
  }
  const found = new Map<TcpConnection, number>();
  for (const { path, endsLength } of TABLES) {
    if (![...byEnds.keys()].some(({ length }) => length === endsLength)) continue;
    for await (const lines of linesOf(path)) {
      for (const line of lines) {
        const start = line.indexOf(': ') + 2;
        const connection = byEnds.get(line.slice(start, start + endsLength));
        const bytesAt = start + endsLength + BYTES_OFFSET;
        if (connection !== undefined) found.set(connection, parseInt(line.slice(bytesAt, bytesAt + 8), 16));
      }
    }
  }
  return found;
}

/** Both ends as the tables of Linux write them: `0100007F:1F90 0100007F:C350`. */
function endsInTable(connection: TcpConnection): string | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = connection;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  const order = endianness();
  return `${endInTable(localAddress, localPort, order)} ${endInTable(remoteAddress, remotePort, order)}`;
}

export function endInTable(address: string, port: number, order: 'LE' | 'BE'): string {
  const bytes = isIPv4(address) ? Buffer.from(address.split('.').map(Number)) : bytesOfIPv6(address);
  // Linux prints each 32 bits of an address as a number in the order of the processor.
  if (order === 'LE') bytes.swap32();
  return `${hex(bytes)}:${hex(Buffer.from([port >> 8, port & 255]))}`;
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase();
}

/** `fe80::1%eth0` and `::ffff:127.0.0.1` as 16 bytes. */
function bytesOfIPv6(address: string): Buffer {
  const [text = ''] = address.replace(/[\d.]+$/, (end) => (isIPv4(end) ? groupsOfIPv4(end) : end)).split('%');
  const [head = [], tail = []] = text
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function groupsOfIPv4(address: string): string {
  const digits = hex(Buffer.from(address.split('.').map(Number)));
  return `${digits.slice(0, 4)}:${digits.slice(4)}`;
}

/** The lines of a table, some at a time. */
async function* linesOf(path: string): AsyncGenerator<string[]> {
  let rest = '';
  for await (const piece of createReadStream(path, 'latin1') as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
}
