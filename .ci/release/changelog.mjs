// CHANGELOG.md in the form of https://keepachangelog.com/en/1.1.0: its checks, and the section of a new version.

const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
const HEADING = /^\[(?<name>Unreleased|\d+\.\d+\.\d+)\](?: - (?<date>\d{4}-\d{2}-\d{2}))?$/;

/** Splits the text into its sections: the heading without `## `, and the lines below it. */
function sectionsOf(text) {
  const [, ...sections] = text.split(/^## /m);
  return sections.map((section) => {
    const [heading = '', ...lines] = section.split('\n');
    const { name, date } = HEADING.exec(heading)?.groups ?? {};
    return { heading, name, date, lines, isEmpty: !lines.some((line) => line.startsWith('- ')) };
  });
}

/** True for a day that exists and is not later than `today`. */
function isPastDay(date, today) {
  const day = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date) && date <= today;
}

/** Orders versions such as `1.2.3`, the newest first. */
function newestFirst(a, b) {
  return b.localeCompare(a, 'en', { numeric: true });
}

/**
 * Returns what is wrong with a changelog, a sentence each. With `isRelease` the version must have a dated section; otherwise
 * entries below `[Unreleased]` do as well.
 */
export function changelogFaults(text, { version, isRelease, today }) {
  const sections = sectionsOf(text);
  const [unreleased, ...versions] = sections;
  const faults = sections.flatMap((section) => sectionFaults(section, text, today));
  if (unreleased?.heading !== '[Unreleased]') faults.push('its first section is not "## [Unreleased]"');
  const names = versions.flatMap(({ name }) => name ?? []);
  if (names.join() !== names.toSorted(newestFirst).join() || new Set(names).size < names.length)
    faults.push('its versions are not in order, the newest first and each once');

  const own = versions.find(({ name }) => name === version);
  if (own !== undefined) {
    if (own !== versions[0]) faults.push(`${version} is not its newest version`);
    if (own.isEmpty) faults.push(`the section of ${version} is empty`);
  } else if (isRelease) {
    faults.push(`it has no section "## [${version}] - ${today}": run npm version`);
  } else if (unreleased?.isEmpty !== false) {
    faults.push(`it has no section of ${version}, and [Unreleased] is empty`);
  }
  return faults;
}

function sectionFaults({ heading, name, date, lines }, text, today) {
  if (name === undefined) return [`"## ${heading}" is neither [Unreleased] nor [x.y.z] - YYYY-MM-DD`];
  const faults = [];
  if (name !== 'Unreleased' && !isPastDay(date, today))
    faults.push(`"## ${heading}" has no date, or one that is no past day`);
  const kinds = lines.filter((line) => line.startsWith('### ')).map((line) => line.slice(4));
  const strange = kinds.filter((kind) => !KINDS.includes(kind));
  if (strange.length > 0) faults.push(`${name} has "${strange.join('", "')}" beside ${KINDS.join(', ')}`);
  if (!text.includes(`\n[${name}]: `)) faults.push(`[${name}] has no link at the end of the file`);
  return faults;
}

/**
 * Returns the changelog with the entries below `[Unreleased]` as the section of `version`, and with its link. Links are relative
 * to the file on GitHub, so that they hold for a repository of any name.
 */
export function withVersion(text, version, today) {
  const { name: previous } = sectionsOf(text)[1] ?? {};
  const link = previous === undefined ? `releases/tag/v${version}` : `compare/v${previous}...v${version}`;
  return text
    .replace('## [Unreleased]\n', `## [Unreleased]\n\n## [${version}] - ${today}\n`)
    .replace(
      /^\[Unreleased\]: .*$/m,
      `[Unreleased]: ../../compare/v${version}...HEAD\n[${version}]: ../../${link}`,
    );
}
