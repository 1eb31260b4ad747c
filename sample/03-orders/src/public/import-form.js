// Starts an import, and follows the one that goes on, whoever started it: a page that is reloaded sees all of its progress.
import { connectSse } from '../client/index.js';
import { $ } from './elements.js';
import { post } from './post.js';

const EXAMPLE_PRODUCTS = 1_000;

export class ImportForm {
  #live;
  #report;

  constructor(report) {
    this.#report = report;
    $('import').hidden = false;
    $('csv').value = example();
    $('import').addEventListener('submit', (event) => {
      event.preventDefault();
      $('import-hint').textContent = '';
      post('imports', { csv: $('csv').value })
        .then(() => this.follow())
        .catch((error) => ($('import-hint').textContent = error.message));
    });
    $('stop-import').addEventListener('click', () => post('imports/stop').catch(this.#report));
  }

  /** The stream of a run ends with it. Where there is none, the answer is 204 and nothing is shown. */
  follow() {
    this.#live?.close();
    this.#live = connectSse('imports/events');
    this.#live.onGap(() => {});
    this.#live.on('progress', ({ done, total }) => this.#show(done, total, `${done} of ${total} products`));
    this.#live.on('sse:end', ({ state }) => {
      $('import-hint').textContent += state === 'done' ? ', done' : `, ${state}`;
      $('stop-import').disabled = true;
      $('start-import').disabled = false;
    });
  }

  #show(done, total, text) {
    $('import-progress').max = total;
    $('import-progress').value = done;
    $('import-hint').textContent = text;
    $('stop-import').disabled = false;
    $('start-import').disabled = true;
  }
}

function example() {
  const rows = Array.from(
    { length: EXAMPLE_PRODUCTS },
    (_, n) => `poster-${n + 1},Poster ${n + 1},${900 + (n % 7) * 100},${1 + (n % 20)}`,
  );
  return ['id,name,priceCents,stock', ...rows].join('\n');
}
