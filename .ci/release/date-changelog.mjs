// The script `version` of package.json: npm runs it in `npm version`, before it commits and tags.
import { readFileSync, writeFileSync } from 'node:fs';
import { withVersion } from './changelog.mjs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const today = new Date().toISOString().slice(0, 10);
writeFileSync('CHANGELOG.md', withVersion(readFileSync('CHANGELOG.md', 'utf8'), version, today));
