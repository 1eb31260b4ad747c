import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [30, 150];
const DEFAULT_WORDS = 120;
const MAX_WORDS = 400;

const TEXT = `
  No language model was asked: a generator on the server types these words, one after the other, as a model would. The answer is a run,
  which means a producer with a name. It was started once, by your POST, and it does not depend on this page. Reload the page while it is
  typing, and the words that you have missed are there at once, as one event, and the next ones follow. Open the page in a second tab,
  and both show the same words. Close all of them, and the answer goes on for a minute before it is stopped, because words of a model cost
  money. Press the button to stop it, and it ends in every tab, whichever node has received the request. When the node that types it dies,
  the other node keeps what was typed, tells every page that the answer has failed, and takes the next question. Nothing is lost, nothing
  comes twice, and there is always an end.`;

const WORDS = TEXT.trim().split(/\s+/);

/** Stands for a language model. "in 20 words" in the question sets the length. */
@Injectable()
export class WriterService {
  async *words(question: string, signal: AbortSignal): AsyncGenerator<string> {
    const wanted = Number(/\b(\d{1,3}) words?\b/.exec(question)?.[1] ?? DEFAULT_WORDS);
    const total = Math.min(Math.max(wanted, 1), MAX_WORDS);
    for (let count = 0; count < total; count++) {
      await pause(randomInt(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS), undefined, { signal });
      yield `${count === 0 ? '' : ' '}${WORDS[count % WORDS.length]}`;
    }
  }
}
