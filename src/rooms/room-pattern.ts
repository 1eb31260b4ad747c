/**
 * Matches a room name against a pattern in which `*` stands for any characters, none included.
 *
 * Each `*` takes as few characters as possible, and only the last one is extended on a mismatch: at most
 * name length × pattern length steps. A regular expression needs exponential time for `*a*a*a*b`.
 */
export function matchesRoomPattern(pattern: string, name: string): boolean {
  let patternIndex = 0;
  let nameIndex = 0;
  let lastStar = -1;
  let retryFrom = 0;
  while (nameIndex < name.length) {
    if (pattern[patternIndex] === '*') {
      lastStar = patternIndex++;
      retryFrom = nameIndex;
    } else if (pattern[patternIndex] === name[nameIndex]) {
      patternIndex++;
      nameIndex++;
    } else if (lastStar !== -1) {
      patternIndex = lastStar + 1;
      nameIndex = ++retryFrom;
    } else return false;
  }
  while (pattern[patternIndex] === '*') patternIndex++;
  return patternIndex === pattern.length;
}
