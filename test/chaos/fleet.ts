import { readFileSync } from 'node:fs';
import { compileApp } from '../support/compiled-app.js';
import { eventually } from '../support/within.js';
import { NodeProcess } from './node-process.js';
import type { NodeConfig } from './node/messages.js';

const NODES = 3;
const NODE_FOLDER = 'test/chaos/node';

/** Three processes that run the applications of one scenario after the other. */
export class Fleet {
  readonly #compiled = compileApp(readFileSync(`${NODE_FOLDER}/main.ts`, 'utf8'), [
    `${NODE_FOLDER}/clock.ts`,
    `${NODE_FOLDER}/mutants.ts`,
    `${NODE_FOLDER}/run-mutants.ts`,
    `${NODE_FOLDER}/runs.controller.ts`,
  ]);
  #nodes = Array.from({ length: NODES }, () => this.#spawn());
  #configs: readonly NodeConfig[] = [];

  /** @param configOf returns the configuration of a node by its number */
  async start(configOf: (node: number) => NodeConfig): Promise<void> {
    this.#configs = this.#nodes.map((_, node) => configOf(node));
    await Promise.all(this.#configs.map((config, node) => this.node(node).start(config)));
  }

  node(number: number): NodeProcess {
    return this.#nodes[number] as NodeProcess;
  }

  get nodes(): readonly NodeProcess[] {
    return this.#nodes;
  }

  any(random: () => number): NodeProcess {
    return this.node(Math.floor(random() * NODES));
  }

  /** Replaces a process that was killed with a new one, on another port. */
  async restart(number: number): Promise<void> {
    const restarted = this.#spawn();
    // Until then clients are refused at the address of the old process.
    await restarted.start(this.#configs[number] as NodeConfig);
    this.#nodes[number] = restarted;
  }

  /** Closes the application of a process, and starts another one in it, on another port. */
  async reopen(number: number): Promise<void> {
    await this.node(number).stop();
    await this.node(number).start(this.#configs[number] as NodeConfig);
  }

  async allLive(): Promise<void> {
    const areLive = (): boolean => this.#nodes.every(({ state }) => state === 'live');
    await eventually(areLive, 'all nodes live', 60_000);
  }

  /** Closes the applications. @throws an error where a process has ended by itself */
  async stop(): Promise<void> {
    for (const node of this.#nodes) node.thaw();
    await Promise.all(this.#nodes.map((node) => node.stop()));
    for (const { failure } of this.#nodes) if (failure !== undefined) throw new Error(failure);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()));
    this.#compiled.remove();
  }

  #spawn(): NodeProcess {
    return new NodeProcess(this.#compiled.main);
  }
}
