import { ConflictException, ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import type { Entry, Order, Stock } from '../app.events.js';
import { type Account, isStaff } from '../accounts/account.js';
import { ShopDatabase } from '../database/shop-database.js';
import { NotificationsRepository } from '../notifications/notifications.repository.js';
import { ProductsRepository } from '../products/products.repository.js';
import { type OrderChange, PublishesOrderChange } from './order-change.js';
import { canMove, type OrderStatus } from './order-status.js';
import { type OrderRow, OrdersRepository } from './orders.repository.js';

const LISTED_ORDERS = 50;

export interface OrderedLine {
  readonly product: string;
  readonly quantity: number;
}

@Injectable()
export class OrdersService {
  constructor(
    private readonly database: ShopDatabase,
    private readonly orders: OrdersRepository,
    private readonly products: ProductsRepository,
    private readonly notifications: NotificationsRepository,
  ) {}

  /** Returns the newest orders that the account may see. */
  list(account: Account): Order[] {
    return this.orders.list(LISTED_ORDERS, isStaff(account) ? undefined : account.id);
  }

  /** @throws NotFoundException also for orders of others, so that nobody learns which ids there are */
  find(account: Account, id: number): { order: Order; entries: Entry[] } {
    const row = this.visible(account, id);
    return { order: this.orders.withLines(row), entries: this.orders.entries(id) };
  }

  /** @throws ConflictException when a product is sold out: nothing is stored then */
  @PublishesOrderChange()
  place(account: Account, ordered: readonly OrderedLine[]): OrderChange {
    return this.database.transaction(() => {
      const lines = ordered.map(({ product, quantity }) => {
        const taken = this.products.take(product, quantity);
        if (taken === undefined) throw new ConflictException(`${product}: not enough in stock`);
        return { product, quantity, priceCents: taken.priceCents };
      });
      const id = this.orders.create(account.id, lines);
      return this.change(account, id, 'placed', this.products.stock(lines.map(({ product }) => product)));
    });
  }

  /** Customers may cancel; the staff move orders on. @throws ConflictException for a step that is not possible now */
  @PublishesOrderChange()
  move(account: Account, id: number, status: OrderStatus): OrderChange {
    return this.database.transaction(() => {
      const row = this.visible(account, id);
      if (!isStaff(account) && status !== 'cancelled') throw new ForbiddenException('Only the staff do that');
      if (!canMove(row.status, status)) throw new ConflictException(`The order is ${row.status} already`);
      this.orders.setStatus(id, status);
      const returned = status === 'cancelled' ? this.putBack(row) : [];
      return this.change(account, id, status, returned);
    });
  }

  /** Adds a message of the customer or the staff to the history of an order. */
  @PublishesOrderChange()
  write(account: Account, id: number, text: string): OrderChange {
    return this.database.transaction(() => {
      this.visible(account, id);
      return this.change(account, id, text, []);
    });
  }

  private putBack(row: OrderRow): Stock[] {
    const { lines } = this.orders.withLines(row);
    for (const { product, quantity } of lines) this.products.putBack(product, quantity);
    return this.products.stock(lines.map(({ product }) => product));
  }

  private change(by: Account, id: number, text: string, stock: readonly Stock[]): OrderChange {
    const entry = this.orders.addEntry(id, by.id, text);
    const order = this.orders.withLines(this.visible(by, id));
    const isOwn = order.customer === by.id;
    const notification = isOwn
      ? undefined
      : this.notifications.add(order.customer, id, `${by.name}: ${text}`);
    return { order, entry, notification, stock };
  }

  private visible(account: Account, id: number): OrderRow {
    const row = this.orders.find(id);
    if (row && (isStaff(account) || row.customer === account.id)) return row;
    throw new NotFoundException('No such order');
  }
}
