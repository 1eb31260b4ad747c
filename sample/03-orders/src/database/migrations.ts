/** Applied once each, in this order: `user_version` of the file counts them. Never change one; add another. */
export const MIGRATIONS = [
  `
  CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('customer', 'staff', 'operator')),
    password TEXT NOT NULL
  ) STRICT;

  CREATE TABLE sessions (
    tokenHash TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES accounts,
    expiresAt INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE products (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    priceCents INTEGER NOT NULL CHECK (priceCents >= 0),
    stock INTEGER NOT NULL CHECK (stock >= 0)
  ) STRICT;

  CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    customer TEXT NOT NULL REFERENCES accounts,
    status TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE INDEX ordersByCustomer ON orders (customer);

  CREATE TABLE lines (
    "order" INTEGER NOT NULL REFERENCES orders,
    product TEXT NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    priceCents INTEGER NOT NULL,
    PRIMARY KEY ("order", product)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    "order" INTEGER NOT NULL REFERENCES orders,
    author TEXT NOT NULL REFERENCES accounts,
    text TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX entriesByOrder ON entries ("order");

  CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL REFERENCES accounts,
    "order" INTEGER NOT NULL REFERENCES orders,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    isRead INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX unreadNotifications ON notifications (account) WHERE isRead = 0;
  `,
];
