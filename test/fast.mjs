// Runs the tests that need no server, no browser and no long load, in about a minute: `npm run test:fast`.
// Prints first what it leaves out. Further arguments go to Jest.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const LEFT_OUT = [
  {
    reason: 'starts redis-server',
    paths: ['test/redis/', 'test/chaos/', 'test/recipes/queued-imports.e2e-spec.ts'],
  },
  { reason: 'starts nginx, HAProxy and Varnish', paths: ['test/proxies/'] },
  {
    reason: 'starts Chromium',
    paths: [
      'test/admin/page.e2e-spec.ts',
      'test/client/browser.e2e-spec.ts',
      'test/client/shared.e2e-spec.ts',
      'test/identity/cross-site-browser.spec.ts',
      'test/identity/tickets-browser.spec.ts',
      'test/protocol/vectors-browser.spec.ts',
      'test/recipes/frameworks.e2e-spec.ts',
      'test/resume/cut-clients.e2e-spec.ts',
      'test/sample/orders-browser.e2e-spec.ts',
      'test/sample/answer-stream-browser.e2e-spec.ts',
      'test/sample/answer-stream-nodes.e2e-spec.ts',
      'test/sample/quick-start-browser.e2e-spec.ts',
      'test/sample/two-nodes.e2e-spec.ts',
    ],
  },
  {
    reason: 'compiles and starts processes',
    paths: [
      'test/e2e/background.e2e-spec.ts',
      'test/e2e/process.e2e-spec.ts',
      'test/e2e/process-exit.e2e-spec.ts',
    ],
  },
  {
    reason: 'many clients, megabytes or randomized runs',
    paths: [
      'test/abuse/fuzz.e2e-spec.ts',
      'test/abuse/soak.e2e-spec.ts',
      'test/contract/contract-mutants.spec.ts',
      'test/delivery/bursts.e2e-spec.ts',
      'test/delivery/endings.e2e-spec.ts',
      'test/delivery/lost-sessions.e2e-spec.ts',
      'test/delivery/slow-clients-iterables.e2e-spec.ts',
      'test/delivery/slow-clients-memory.e2e-spec.ts',
      'test/delivery/slow-clients-reading.e2e-spec.ts',
      'test/delivery/slow-clients-steady.e2e-spec.ts',
      'test/delivery/transports.e2e-spec.ts',
      'test/e2e/simple-sse-faults.e2e-spec.ts',
      'test/oracle/completeness-mutant.e2e-spec.ts',
      'test/oracle/connection-mutants.e2e-spec.ts',
      'test/oracle/http-oracle.e2e-spec.ts',
      'test/oracle/partitions.e2e-spec.ts',
    ],
  },
];

for (const { reason, paths } of LEFT_OUT) {
  for (const path of paths) {
    if (!existsSync(path)) throw new Error(`test/fast.mjs leaves out ${path}, which does not exist`);
    console.log(`left out: ${path} (${reason})`);
  }
}
console.log('`npm test` runs everything.\n');

const ignored = LEFT_OUT.flatMap(({ paths }) => paths).map((path) => path.replaceAll('.', '\\.'));
const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const jest = [
  'node_modules/jest/bin/jest.js',
  ...process.argv.slice(2),
  '--testPathIgnorePatterns',
  '/node_modules/',
  ...ignored,
];
const { status } = spawnSync(process.execPath, [...flags, ...jest], { stdio: 'inherit' });
process.exitCode = status ?? 1;
