import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ShopDatabase } from '../database/shop-database.js';
import type { Account, Session } from './account.js';

export const SESSION_MS = 8 * 3_600_000;

/** Sessions of cookies and of bearer tokens. The database has hashes only: nobody who reads it can use a session. */
@Injectable()
export class SessionsRepository {
  constructor(private readonly database: ShopDatabase) {}

  /** Begins a session. @returns its secret token, which is stored nowhere */
  begin(account: Account): { token: string; session: Session } {
    const token = randomBytes(32).toString('base64url');
    const session = { id: randomUUID(), expiresAt: Date.now() + SESSION_MS, account };
    this.database.run('DELETE FROM sessions WHERE expiresAt <= ?', Date.now());
    this.database.run(
      'INSERT INTO sessions (tokenHash, id, account, expiresAt) VALUES (?, ?, ?, ?)',
      hash(token),
      session.id,
      account.id,
      session.expiresAt,
    );
    return { token, session };
  }

  find(token: string): Session | undefined {
    const row = this.database.all<{ session: string; expiresAt: number } & Account>(
      `SELECT sessions.id AS session, expiresAt, accounts.id, name, role
       FROM sessions JOIN accounts ON accounts.id = account WHERE tokenHash = ? AND expiresAt > ?`,
      hash(token),
      Date.now(),
    )[0];
    if (row === undefined) return undefined;
    const { session, expiresAt, id, name, role } = row;
    return { id: session, expiresAt, account: { id, name, role } };
  }

  end({ id }: Session): void {
    this.database.run('DELETE FROM sessions WHERE id = ?', id);
  }
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
