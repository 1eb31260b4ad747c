/** One change of presence, as a client or a service has received it. */
export interface ReceivedChange {
  readonly type: 'join' | 'leave';
  readonly room: string;
  readonly user: string;
}

/** Everything that one observer received, from before the first member until the lists were read. */
export type PresenceRecord = readonly ReceivedChange[];

export interface PresenceVerdict {
  /** Changes received. */
  presenceChanges: number;
  /** Joins of a member that had joined, and leaves of one that had not. */
  presenceRepeats: number;
  /** Members of a list who are none by the changes of an observer, and the other way round. Counted for each observer and room. */
  presenceDifferences: number;
}

/** The findings where every member's joins and leaves alternate and lead to the list. */
export const EXACT_PRESENCE = { presenceRepeats: 0, presenceDifferences: 0 } as const;

/** Returns the members by the changes of one observer, as texts of room and user, and counts what does not alternate. */
export function replayChanges(record: PresenceRecord): { members: Set<string>; repeats: number } {
  const members = new Set<string>();
  let repeats = 0;
  for (const { type, room, user } of record) {
    const member = memberText(room, user);
    if (members.has(member) === (type === 'join')) repeats++;
    if (type === 'join') members.add(member);
    else members.delete(member);
  }
  return { members, repeats };
}

export function memberText(room: string, user: string): string {
  return `${room}/${user}`;
}

/** Counts the members of one set that the other lacks, both ways. */
export function differencesOf(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  return (
    [...one].filter((each) => !other.has(each)).length + [...other].filter((each) => !one.has(each)).length
  );
}

/** Compares what each observer received with the members that the list names. */
export function judgePresence(
  records: readonly PresenceRecord[],
  list: ReadonlySet<string>,
): PresenceVerdict {
  const verdict = { presenceChanges: 0, presenceRepeats: 0, presenceDifferences: 0 };
  for (const record of records) {
    const { members, repeats } = replayChanges(record);
    verdict.presenceChanges += record.length;
    verdict.presenceRepeats += repeats;
    verdict.presenceDifferences += differencesOf(members, list);
  }
  return verdict;
}
