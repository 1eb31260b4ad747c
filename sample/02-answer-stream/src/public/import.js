// The import: a bar, which a reload and a second tab find where it is.
import { describeEnd, followRun } from './run.js';

const $ = (id) => document.getElementById(id);

export class Import {
  #id;
  #live;
  #node;

  /** @param start starts an import; @param send posts to a path */
  constructor(start, send) {
    $('import-start').addEventListener('click', start);
    $('import-stop').addEventListener('click', () => send(`imports/${this.#id}/stop`));
    $('import-kill').addEventListener('click', () => send(`nodes/${this.#node}/kill`));
  }

  follow(id) {
    if (id === this.#id) return;
    this.#live?.close();
    this.#id = id;
    this.#node = undefined;
    const progress = $('progress');
    progress.value = 0;
    const events = {
      begin: ({ node }) => {
        this.#node = node;
        $('import-kill').textContent = `Kill node ${node}`;
        $('import-kill').hidden = !node;
      },
      progress: ({ done, total }) => {
        [progress.max, progress.value] = [total, done];
        this.#showRows();
      },
      result: ({ imported, skipped }) => {
        $('import-status').textContent = `${imported} rows imported, ${skipped} skipped`;
      },
    };
    const state = (name, detail) => id === this.#id && this.#become(name, detail);
    this.#live = followRun(`imports/${id}/events`, { events, state });
  }

  #showRows() {
    const { value, max } = $('progress');
    $('import-status').textContent = `${value} of ${max} rows`;
  }

  #become(state, detail) {
    const { state: before } = $('import').dataset;
    $('import').dataset.state = state;
    const isOpen = state === 'running' || state === 'waiting';
    $('import-start').disabled = isOpen;
    $('import-stop').hidden = !isOpen;
    $('import-kill').hidden = !isOpen || !this.#node;
    const status = $('import-status');
    if (state === 'running' && before === 'waiting') this.#showRows();
    if (state === 'waiting') status.textContent = 'reconnecting';
    if (state === 'gone') status.textContent = 'not started';
    if (state === 'stopped' || state === 'failed')
      status.textContent = `${describeEnd({ ...detail, state }, this.#node)}, after ${$('progress').value} rows`;
  }
}
