import { Injectable } from '@nestjs/common';
import { ShopDatabase } from '../database/shop-database.js';
import type { Account } from './account.js';
import { isPassword } from './password.js';

@Injectable()
export class AccountsRepository {
  constructor(private readonly database: ShopDatabase) {}

  find(id: string): Account | undefined {
    return this.database.all<Account>('SELECT id, name, role FROM accounts WHERE id = ?', id)[0];
  }

  /** Returns the account if its password is right. */
  async authenticate(id: string, password: string): Promise<Account | undefined> {
    const stored = this.database.all<{ password: string }>(
      'SELECT password FROM accounts WHERE id = ?',
      id,
    )[0];
    return (await isPassword(password, stored?.password)) ? this.find(id) : undefined;
  }
}
