/** Settings of the shop, from the environment in `main.ts`. */
export class ShopOptions {
  /** Path of the SQLite file. `:memory:` forgets everything when the process ends. */
  readonly database: string;
  /** Pause after each batch of an import, so that its progress can be seen. */
  readonly importPauseMs: number;
  /** `true` sends the cookie over HTTPS only. */
  readonly secureCookies: boolean;

  constructor({ database = ':memory:', importPauseMs = 0, secureCookies = true }: Partial<ShopOptions> = {}) {
    this.database = database;
    this.importPauseMs = importPauseMs;
    this.secureCookies = secureCookies;
  }
}
