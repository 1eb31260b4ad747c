import { Injectable } from '@nestjs/common';
import { type Account, isStaff } from '../accounts/account.js';
import { ShopDatabase } from '../database/shop-database.js';

/** Rooms that every page of the account is in. */
export function roomsOf(account: Account): string[] {
  return ['products', `users/${account.id}`, ...(isStaff(account) ? ['staff'] : [])];
}

/** The one place that decides which rooms an account may be in: for streams, rooms at run time, and tickets. */
@Injectable()
export class RoomPermissions {
  constructor(private readonly database: ShopDatabase) {}

  allows(account: Account, room: string): boolean {
    if (roomsOf(account).includes(room)) return true;
    const order = /^orders\/([1-9]\d{0,14})$/.exec(room)?.[1];
    if (order === undefined) return false;
    const owner = this.database.all<{ customer: string }>(
      'SELECT customer FROM orders WHERE id = ?',
      Number(order),
    )[0]?.customer;
    return owner !== undefined && (isStaff(account) || owner === account.id);
  }
}
