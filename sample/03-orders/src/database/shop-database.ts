import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import Database from 'better-sqlite3';
import { ShopOptions } from '../shop-options.js';
import { MIGRATIONS } from './migrations.js';
import { seed } from './seed.js';

type Value = string | number;

/**
 * The SQLite file of the shop. Calls return at once, and one process has one connection, so changes are published in the order in
 * which they are stored, as long as a method publishes in the turn in which its transaction has ended.
 */
@Injectable()
export class ShopDatabase implements OnApplicationShutdown {
  private readonly sqlite: Database.Database;
  /** Statements are compiled once. Their texts are constants of the repositories, so there are few. */
  private readonly statements = new Map<string, Database.Statement<Value[]>>();

  constructor({ database }: ShopOptions) {
    this.sqlite = new Database(database);
    this.sqlite.pragma('journal_mode = WAL');
    this.sqlite.pragma('foreign_keys = ON');
    this.transaction(() => this.migrate());
  }

  // Streams end earlier, in beforeApplicationShutdown.
  onApplicationShutdown(): void {
    this.sqlite.close();
  }

  /** Returns the rows of a query, or those of `RETURNING`. */
  all<Row>(sql: string, ...values: readonly Value[]): Row[] {
    return this.statement(sql).all(...values) as Row[];
  }

  run(sql: string, ...values: readonly Value[]): void {
    this.statement(sql).run(...values);
  }

  /** Stores all changes of the function, or none if it throws. Publish after it: until then the changes may be undone. */
  transaction<Result>(work: () => Result): Result {
    return this.sqlite.transaction(work).immediate();
  }

  private statement(sql: string): Database.Statement<Value[]> {
    const statement = this.statements.get(sql) ?? this.sqlite.prepare<Value[]>(sql);
    this.statements.set(sql, statement);
    return statement;
  }

  private migrate(): void {
    const version = this.sqlite.pragma('user_version', { simple: true }) as number;
    for (const migration of MIGRATIONS.slice(version)) this.sqlite.exec(migration);
    this.sqlite.pragma(`user_version = ${MIGRATIONS.length}`);
    if (version === 0) seed(this.sqlite);
  }
}
