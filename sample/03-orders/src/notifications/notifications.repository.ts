import { Injectable } from '@nestjs/common';
import type { Notification } from '../app.events.js';
import { ShopDatabase } from '../database/shop-database.js';

const COLUMNS = 'id, account, "order", text, at';

@Injectable()
export class NotificationsRepository {
  constructor(private readonly database: ShopDatabase) {}

  add(account: string, order: number, text: string): Notification {
    return this.database.all<Notification>(
      `INSERT INTO notifications (account, "order", text, at) VALUES (?, ?, ?, ?) RETURNING ${COLUMNS}`,
      account,
      order,
      text,
      Date.now(),
    )[0]!;
  }

  unread(account: string): Notification[] {
    return this.database.all<Notification>(
      `SELECT ${COLUMNS} FROM notifications WHERE account = ? AND isRead = 0 ORDER BY id`,
      account,
    );
  }

  /** Marks all up to this one, so that one that comes meanwhile stays unread. */
  read(account: string, upTo: number): void {
    this.database.run('UPDATE notifications SET isRead = 1 WHERE account = ? AND id <= ?', account, upTo);
  }
}
