import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from '../../../shared/processes/child.js';

/** Addresses of nginx and of the servers behind it. */
export interface ProxyPorts {
  readonly host: string;
  readonly port: number;
  readonly nodes: { readonly A: number; readonly B: number };
  readonly supervisor: number;
}

export function startNginx(program: string, folder: string, ports: ProxyPorts): Child {
  const values = {
    FOLDER: folder,
    LISTEN: `${ports.host}:${ports.port}`,
    PORT_A: ports.nodes.A,
    PORT_B: ports.nodes.B,
    PORT_SUPERVISOR: ports.supervisor,
  };
  const template = readFileSync(join(import.meta.dirname, 'nginx.conf'), 'utf8');
  const config = Object.entries(values).reduce(
    (text, [word, value]) => text.replace(new RegExp(`\\b${word}\\b`, 'g'), `${value}`),
    template,
  );
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, config);
  const args = ['-e', 'stderr', '-p', folder, '-c', file, '-g', 'daemon off;'];
  return new Child('nginx', spawn(program, args, { cwd: folder, detached: true }));
}
