import type { Database } from 'better-sqlite3';
import { hashPassword } from '../accounts/password.js';

export const DEMO_PASSWORD = 'shop';

export const DEMO_ACCOUNTS = [
  { id: 'ann', name: 'Ann', role: 'customer' },
  { id: 'bob', name: 'Bob', role: 'customer' },
  { id: 'sam', name: 'Sam', role: 'staff' },
  { id: 'olga', name: 'Olga', role: 'operator' },
] as const;

const DEMO_PRODUCTS = [
  { id: 'kettle', name: 'Kettle', priceCents: 3_900, stock: 12 },
  { id: 'lamp', name: 'Desk lamp', priceCents: 5_450, stock: 4 },
  { id: 'mug', name: 'Mug', priceCents: 950, stock: 60 },
  { id: 'notebook', name: 'Notebook', priceCents: 480, stock: 1 },
];

/** Fills a new database with accounts and products to try. A shop of your own has none of them. */
export function seed(sqlite: Database): void {
  const password = hashPassword(DEMO_PASSWORD);
  const account = sqlite.prepare('INSERT INTO accounts VALUES (@id, @name, @role, @password)');
  for (const demo of DEMO_ACCOUNTS) account.run({ ...demo, password });
  const product = sqlite.prepare('INSERT INTO products VALUES (@id, @name, @priceCents, @stock)');
  for (const demo of DEMO_PRODUCTS) product.run(demo);
}
