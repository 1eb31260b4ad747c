import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { UserError } from './user-error.js';

const LOOPBACK = '127.0.0.1';
const POLL_MS = 25;

/** Returns ports that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0, LOOPBACK)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports;
}

/** @param command starts the sample, for the message. @throws UserError if the port is in use */
export async function checkPort(port: number, host: string, command: string): Promise<void> {
  try {
    (await listen(port, host)).close();
  } catch (error) {
    throw new UserError(
      `Cannot listen on ${host}:${port} (${(error as Error).message}). Another port: PORT=8081 ${command}`,
    );
  }
}

/** Resolves when a process listens on the port. Rejects when `gone` does. */
export async function listening(port: number, gone: Promise<never>, host = LOOPBACK): Promise<void> {
  while (!(await Promise.race([answers(port, host), gone]))) await pause(POLL_MS);
}

function answers(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function listen(port: number, host: string): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}
