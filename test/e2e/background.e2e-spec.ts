import { WorkerScript, type WorkerEnding } from '../support/worker-script.js';

describe('a process without HTTP, with the memory broker,', () => {
  let script: WorkerScript;
  beforeAll(() => {
    script = new WorkerScript();
  });
  afterAll(() => script.remove());

  it.each<[WorkerEnding, unknown, unknown]>([
    ['close', [], [0, null]],
    ['drain', [], [0, null]],
    ['signal', undefined, [null, 'SIGTERM']],
  ])(
    'publishes, joins, sends, disconnects and asks for members, and ends by itself without a handle left: %s',
    async (ending, handles, exit) => {
      expect(await script.run(ending)).toEqual({
        results: {
          stored: true,
          members: [],
          connections: 0,
          joined: 0,
          sent: 0,
          left: 0,
          disconnected: 0,
          received: ['from the worker'],
          health: 'ready',
        },
        handles,
        exit,
        errors: '',
      });
    },
  );
});
