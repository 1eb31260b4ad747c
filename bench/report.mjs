/** Writes README.md's tables and the chart again from results/latest.json, without measuring. */
import { readFileSync } from 'node:fs';
import { publish } from './report/index.mjs';

publish(JSON.parse(readFileSync(new URL('./results/latest.json', import.meta.url), 'utf8')));
