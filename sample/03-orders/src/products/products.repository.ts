import { Injectable } from '@nestjs/common';
import type { Stock } from '../app.events.js';
import { ShopDatabase } from '../database/shop-database.js';

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly priceCents: number;
  readonly stock: number;
}

@Injectable()
export class ProductsRepository {
  constructor(private readonly database: ShopDatabase) {}

  list(limit: number): Product[] {
    return this.database.all<Product>('SELECT * FROM products ORDER BY id LIMIT ?', limit);
  }

  count(): number {
    return this.database.all<{ count: number }>('SELECT count(*) AS count FROM products')[0]!.count;
  }

  /** Takes a product out of stock. @returns `undefined` where there is not enough of it */
  take(id: string, quantity: number): { priceCents: number } | undefined {
    return this.database.all<{ priceCents: number }>(
      'UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ? RETURNING priceCents',
      quantity,
      id,
      quantity,
    )[0];
  }

  putBack(id: string, quantity: number): void {
    this.database.run('UPDATE products SET stock = stock + ? WHERE id = ?', quantity, id);
  }

  stock(ids: readonly string[]): Stock[] {
    return ids.flatMap(
      (id) => this.database.all<Stock>('SELECT id, stock FROM products WHERE id = ?', id)[0] ?? [],
    );
  }

  /** Stores new and changed products, all or none. */
  save(products: readonly Product[]): void {
    this.database.transaction(() => {
      for (const { id, name, priceCents, stock } of products) {
        this.database.run(
          `INSERT INTO products (id, name, priceCents, stock) VALUES (?, ?, ?, ?) ON CONFLICT (id)
           DO UPDATE SET name = excluded.name, priceCents = excluded.priceCents, stock = excluded.stock`,
          id,
          name,
          priceCents,
          stock,
        );
      }
    });
  }
}
