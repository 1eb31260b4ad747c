import { execFileSync } from 'node:child_process';

/** Descriptors of a process besides its clients: standard streams, IPC, epoll, loaded files. */
const OTHER_DESCRIPTORS = 200;

/** Node raises its soft limit to the hard one at start, so it is the hard limit that counts. */
function descriptorLimit() {
  if (process.platform === 'win32') return Infinity;
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return limit === 'unlimited' ? Infinity : Number(limit);
}

/** @param {number} clients @throws when this machine cannot hold that many connections in one process */
export function checkDescriptors(clients) {
  const limit = descriptorLimit();
  if (limit >= clients + OTHER_DESCRIPTORS) return;
  throw new Error(
    `${clients} connections need ${clients + OTHER_DESCRIPTORS} file descriptors in one process, the hard limit is ${limit}: ` +
      `raise it (\`ulimit -Hn ${clients * 2}\` as root, or limits.conf), or run with --quick`,
  );
}
