import { Injectable } from '@nestjs/common';
import type { Entry, Order } from '../app.events.js';
import { ShopDatabase } from '../database/shop-database.js';
import type { OrderStatus } from './order-status.js';

export interface OrderRow {
  readonly id: number;
  readonly customer: string;
  readonly status: OrderStatus;
  readonly version: number;
}

/** Reads and writes orders. Transactions are those of `OrdersService`. */
@Injectable()
export class OrdersRepository {
  constructor(private readonly database: ShopDatabase) {}

  find(id: number): OrderRow | undefined {
    return this.database.all<OrderRow>('SELECT * FROM orders WHERE id = ?', id)[0];
  }

  /** Returns the newest orders first. @param customer leaves out those of others */
  list(limit: number, customer?: string): Order[] {
    const rows =
      customer === undefined
        ? this.database.all<OrderRow>('SELECT * FROM orders ORDER BY id DESC LIMIT ?', limit)
        : this.database.all<OrderRow>(
            'SELECT * FROM orders WHERE customer = ? ORDER BY id DESC LIMIT ?',
            customer,
            limit,
          );
    return rows.map((row) => this.withLines(row));
  }

  entries(order: number): Entry[] {
    return this.database.all<Entry>('SELECT * FROM entries WHERE "order" = ? ORDER BY id', order);
  }

  /** Stores a new order. @returns its id */
  create(customer: string, lines: readonly Omit<Order['lines'][number], 'name'>[]): number {
    const { id } = this.database.all<{ id: number }>(
      `INSERT INTO orders (customer, status) VALUES (?, 'placed') RETURNING id`,
      customer,
    )[0]!;
    for (const { product, quantity, priceCents } of lines) {
      this.database.run('INSERT INTO lines VALUES (?, ?, ?, ?)', id, product, quantity, priceCents);
    }
    return id;
  }

  /** Sets the status, and counts the version up. */
  setStatus(id: number, status: OrderStatus): void {
    this.database.run('UPDATE orders SET status = ?, version = version + 1 WHERE id = ?', status, id);
  }

  addEntry(order: number, author: string, text: string): Entry {
    return this.database.all<Entry>(
      'INSERT INTO entries ("order", author, text, at) VALUES (?, ?, ?, ?) RETURNING *',
      order,
      author,
      text,
      Date.now(),
    )[0]!;
  }

  withLines(row: OrderRow): Order {
    const lines = this.database.all<Order['lines'][number]>(
      `SELECT product, name, quantity, lines.priceCents FROM lines JOIN products ON products.id = product
       WHERE "order" = ? ORDER BY product`,
      row.id,
    );
    const totalCents = lines.reduce((sum, { quantity, priceCents }) => sum + quantity * priceCents, 0);
    return { ...row, lines, totalCents };
  }
}
